import type { ExprNode } from '../expr/node.ts';
import { referencedColumns } from '../expr/references.ts';
import type { Finding, RuleName } from './compatibility.ts';
import type { ProjectPlan, ViewPlan } from './plan.ts';
import { groupOf } from './plan-index.ts';

/** No event is rejected for them, so that they are no part of what a view means that reads others. */
const ONLY_FOR_READERS: ReadonlySet<RuleName> = new Set([
  'column_added_optional',
  'column_added_default',
  'column_renamed',
  'column_widened',
  'personal_changed',
]);

/** Which differences of a source are differences of a view over it. */
export function concernsView(
  views: readonly (readonly [ViewPlan, ProjectPlan])[],
): (finding: Finding) => boolean {
  // Most views differ without their source.
  let read: ReadonlySet<string> | null = null;
  return ({ rule, part }) => {
    if (part === undefined || !ONLY_FOR_READERS.has(rule)) return true;
    read ??= new Set(views.flatMap(([view, plan]) => [...columnsRead(view, plan)]));
    return read.has(part) && rule === WIDENED;
  };
}

const WIDENED: RuleName = 'column_widened';

function* columnsRead(view: ViewPlan, plan: ProjectPlan): Generator<string, undefined> {
  yield* Object.values(view.key);
  const groups = new Set(
    view.features.flatMap((one) => (one.kind === 'aggregate' ? [one.group] : [])),
  );
  const lanes = [...groups].flatMap((id) => groupOf(plan.groups, id)?.lanes ?? []);
  const expressions = lanes.flatMap(({ measure, filter }) => [measure, filter]);
  for (const one of [view.filter, ...expressions] satisfies (ExprNode | null)[]) {
    if (one !== null) yield* referencedColumns(one);
  }
  return undefined;
}
