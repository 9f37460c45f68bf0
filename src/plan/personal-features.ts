import { referencedColumns } from '../expr/references.ts';
import { aggregateMeaning } from './hash.ts';
import type { FeaturePlan, ProjectPlan, ViewPlan } from './plan.ts';
import { groupOf, sourceNamed } from './plan-index.ts';

/** The tag that says it, wherever tags are shown or searched. */
export const PERSONAL_TAG = 'personal';

/** Functions whose results hold the very values of their measure. */
const SHOWING: ReadonlySet<string> = new Set([
  ...['latest', 'first', 'last', 'min', 'max', 'first_n', 'last_n', 'top_k', 'histogram'],
]);

/** Features of a view that hold values of personal columns, or are derived from such features. */
export function personalFeatures(
  { sources, groups }: Pick<ProjectPlan, 'sources' | 'groups'>,
  view: Pick<ViewPlan, 'source' | 'features'>,
): ReadonlySet<string> {
  const source = sourceNamed(sources, view.source);
  const columns = new Set(
    (source?.columns ?? []).filter((one) => one.personal !== undefined).map(({ name }) => name),
  );
  const personal = new Set<string>();
  if (columns.size === 0) return personal;
  const isPersonal = (feature: FeaturePlan): boolean => {
    if (feature.kind === 'derived') {
      return referencedColumns(feature.expr).some((name) => personal.has(name));
    }
    const group = groupOf(groups, feature.group);
    if (group === undefined || !SHOWING.has(feature.fn)) return false;
    const { measure } = aggregateMeaning(feature, group).lane;
    return measure !== null && referencedColumns(measure).some((name) => columns.has(name));
  };
  // Derived features come after what they read.
  for (const feature of view.features) if (isPersonal(feature)) personal.add(feature.name);
  return personal;
}

/** Tags of a feature, with that of personal ones. */
export function tagsOf(
  { name, meta: { tags } }: FeaturePlan,
  personal: ReadonlySet<string>,
): readonly string[] {
  return !personal.has(name) || tags.includes(PERSONAL_TAG) ? tags : [...tags, PERSONAL_TAG];
}
