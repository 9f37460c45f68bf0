import { compareText } from './canonical.ts';
import { datasetSentences, newDatasetSentences } from './diff-dataset-text.ts';
import {
  dashboardSentences,
  modelSentences,
  newDashboardSentences,
  newModelSentences,
} from './diff-model-text.ts';
import { newSourceSentences, sourceSentences } from './diff-source-text.ts';
import {
  type Definition,
  entitySentences,
  metadataSentences,
  newServiceSentences,
  newViewSentences,
  serviceSentences,
  viewSentences,
} from './diff-text.ts';
import type { ProjectPlan } from './plan.ts';

export type DefinitionKind =
  | 'source'
  | 'entity'
  | 'view'
  | 'service'
  | 'dataset'
  | 'model'
  | 'dashboard';

/** One definition that differs between two plans. */
export interface DefinitionChange {
  readonly kind: DefinitionKind;
  readonly name: string;
  /** null for sources, entities and dashboards, which have none. */
  readonly version: number | null;
  /**
   * `metadata`: described or shown in another way, same meaning. `changed`: a source or entity that
   * means something else. `refused`: a name@version would (semantics §7).
   */
  readonly change: 'added' | 'removed' | 'metadata' | 'changed' | 'refused';
  /** What differs, field by field; for a new version, since the version before. */
  readonly sentences: readonly string[];
}

export interface PlanDiff {
  /** In the order of the kinds above; each kind by name and version. */
  readonly changes: readonly DefinitionChange[];
  readonly added: number;
  readonly removed: number;
  readonly metadata: number;
  readonly changed: number;
  readonly refused: number;
  readonly unchanged: number;
  /** Tile groups whose state is built anew, and those that are dropped. */
  readonly groupsAdded: readonly string[];
  readonly groupsRemoved: readonly string[];
}

/**
 * What applying `after` on top of `before` (null: nothing yet) would change, definition by
 * definition. Pure; refuses nothing itself.
 */
export function diffPlans(before: ProjectPlan | null, after: ProjectPlan): PlanDiff {
  const old = before ?? after;
  const kinds = [
    compare(
      'source',
      before?.sources ?? [],
      after.sources,
      (a, b) => sourceSentences(a, old, b, after),
      newSourceSentences,
    ),
    compare('entity', before?.entities ?? [], after.entities, entitySentences),
    compare(
      'view',
      before?.views ?? [],
      after.views,
      (a, b) => viewSentences(a, old, b, after),
      (view) => newViewSentences(view, after),
    ),
    compare(
      'service',
      before?.services ?? [],
      after.services,
      serviceSentences,
      newServiceSentences,
    ),
    compare(
      'dataset',
      before?.datasets ?? [],
      after.datasets,
      (a, b) => datasetSentences(a, old, b, after),
      (dataset) => newDatasetSentences(dataset, after),
    ),
    compare('model', before?.models ?? [], after.models, modelSentences, newModelSentences),
    compare(
      'dashboard',
      before?.dashboards ?? [],
      after.dashboards,
      dashboardSentences,
      newDashboardSentences,
    ),
  ];
  const changes = kinds.flatMap((kind) => kind.changes);
  const count = (change: DefinitionChange['change']): number =>
    changes.filter((one) => one.change === change).length;
  const groupsBefore = new Set(before?.groups.map((group) => group.id));
  const groupsAfter = new Set(after.groups.map((group) => group.id));
  return {
    changes,
    added: count('added'),
    removed: count('removed'),
    metadata: count('metadata'),
    changed: count('changed'),
    refused: count('refused'),
    unchanged: kinds.reduce((sum, kind) => sum + kind.unchanged, 0),
    groupsAdded: [...groupsAfter].filter((id) => !groupsBefore.has(id)),
    groupsRemoved: [...groupsBefore].filter((id) => !groupsAfter.has(id)),
  };
}

/** The definitions of one kind, side by side. */
function compare<T extends Definition>(
  kind: DefinitionKind,
  before: readonly T[],
  after: readonly T[],
  sentencesOf: (before: T, after: T) => string[],
  introduce: (one: T) => string[] = () => [],
): { readonly changes: readonly DefinitionChange[]; readonly unchanged: number } {
  const changes: DefinitionChange[] = [];
  const add = (one: T, change: DefinitionChange['change'], sentences: readonly string[]): void => {
    changes.push({ kind, name: one.name, version: one.version ?? null, change, sentences });
  };
  let unchanged = 0;
  for (const one of after) {
    const same = before.find((old) => isSameDefinition(old, one));
    const described = same === undefined ? [] : metadataSentences(same, one);
    if (same === undefined) {
      const earlier = newestBefore(one, before);
      add(
        one,
        'added',
        earlier === null ? introduce(one) : since(earlier, sentencesOf(earlier, one)),
      );
    } else if (same.hash !== one.hash) {
      const change = one.version === undefined ? 'changed' : 'refused';
      add(one, change, [...new Set([...sentencesOf(same, one), ...described])]);
    } else if (described.length > 0) {
      add(one, 'metadata', described);
    } else {
      unchanged += 1;
    }
  }
  for (const old of before) {
    if (!after.some((one) => isSameDefinition(old, one))) add(old, 'removed', []);
  }
  changes.sort((a, b) => compareText(a.name, b.name) || versionOrder(a, b));
  return { changes, unchanged };
}

function versionOrder(a: DefinitionChange, b: DefinitionChange): number {
  return (a.version ?? 0) - (b.version ?? 0);
}

function isSameDefinition(a: Definition, b: Definition): boolean {
  return a.name === b.name && a.version === b.version;
}

function newestBefore<T extends Definition>(one: T, before: readonly T[]): T | null {
  const earlier = before.filter(
    (old) => old.name === one.name && (old.version ?? 0) < (one.version ?? 0),
  );
  return earlier.reduce<T | null>(
    (newest, old) => ((newest?.version ?? 0) > (old.version ?? 0) ? newest : old),
    null,
  );
}

function since(earlier: Definition, sentences: readonly string[]): string[] {
  return sentences.map((sentence) => `since @${earlier.version}: ${sentence}`);
}
