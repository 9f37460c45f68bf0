import { compareText } from './canonical.ts';
import { type Compatibility, classOf, type Finding, worstOf } from './compatibility.ts';
import type { DefinitionKind } from './definition-kind.ts';
import { datasetFindings, newDatasetSentences } from './diff-dataset-text.ts';
import { type Definition, metadataFindings } from './diff-metadata-text.ts';
import {
  dashboardFindings,
  modelFindings,
  newDashboardSentences,
  newModelSentences,
} from './diff-model-text.ts';
import { newSourceSentences, sourceFindings } from './diff-source-text.ts';
import {
  entityFindings,
  newServiceSentences,
  newViewSentences,
  serviceFindings,
  viewFindings,
} from './diff-text.ts';
import type { ProjectPlan } from './plan.ts';

export type { DefinitionKind } from './definition-kind.ts';

export type ChangeClass = 'added' | 'removed' | Compatibility;

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
  /** What it does to whoever reads it, by the worst of its rules. */
  readonly class: ChangeClass;
  /** What differs, field by field; for a new version, since the version before. */
  readonly sentences: readonly string[];
  /** By which rule each difference is of its class; of a new version, since the one before. */
  readonly rules: readonly RuledChange[];
  /** Of a new version: the one before it, and what it would be in its place; else null. */
  readonly since: { readonly version: number; readonly class: Compatibility } | null;
  /** Of what is refused: exactly what to write instead; else null. */
  readonly remedy: string | null;
}

export interface RuledChange extends Finding {
  readonly class: Compatibility;
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
  /** How many changes there are of each class. */
  readonly classes: Readonly<Record<ChangeClass, number>>;
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
      (a, b) => sourceFindings(a, old, b, after),
      newSourceSentences,
    ),
    compare('entity', before?.entities ?? [], after.entities, entityFindings),
    compare(
      'view',
      before?.views ?? [],
      after.views,
      (a, b) => viewFindings(a, old, b, after),
      (view) => newViewSentences(view, after),
    ),
    compare(
      'service',
      before?.services ?? [],
      after.services,
      serviceFindings,
      newServiceSentences,
    ),
    compare(
      'dataset',
      before?.datasets ?? [],
      after.datasets,
      (a, b) => datasetFindings(a, old, b, after),
      (dataset) => newDatasetSentences(dataset, after),
    ),
    compare('model', before?.models ?? [], after.models, modelFindings, newModelSentences),
    compare(
      'dashboard',
      before?.dashboards ?? [],
      after.dashboards,
      dashboardFindings,
      newDashboardSentences,
    ),
  ];
  const changes = kinds.flatMap((kind) => kind.changes);
  const count = (change: DefinitionChange['change']): number =>
    changes.filter((one) => one.change === change).length;
  const ofClass = (wanted: ChangeClass): number =>
    changes.filter((one) => one.class === wanted).length;
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
    classes: {
      added: ofClass('added'),
      removed: ofClass('removed'),
      metadata: ofClass('metadata'),
      compatible: ofClass('compatible'),
      breaking: ofClass('breaking'),
    },
    groupsAdded: [...groupsAfter].filter((id) => !groupsBefore.has(id)),
    groupsRemoved: [...groupsBefore].filter((id) => !groupsAfter.has(id)),
  };
}

/** The definitions of one kind, side by side. */
function compare<T extends Definition>(
  kind: DefinitionKind,
  before: readonly T[],
  after: readonly T[],
  findingsOf: (before: T, after: T) => Finding[],
  introduce: (one: T) => string[] = () => [],
): { readonly changes: readonly DefinitionChange[]; readonly unchanged: number } {
  const changes: DefinitionChange[] = [];
  const [old, now] = [byTitle(before), byTitle(after)];
  const versions = Map.groupBy(before, ({ name }) => name);
  const allVersions = Map.groupBy([...before, ...after], ({ name }) => name);
  const add = (one: T, change: Omit<DefinitionChange, 'kind' | 'name' | 'version'>): void => {
    changes.push({ kind, name: one.name, version: one.version ?? null, ...change });
  };
  let unchanged = 0;
  for (const one of after) {
    const same = old.get(titleOf(one));
    if (same === undefined) {
      add(
        one,
        addedChange(one, newestBefore(one, versions.get(one.name) ?? []), findingsOf, introduce),
      );
      continue;
    }
    const meaning = meaningFindings(kind, same, one, findingsOf);
    const told = new Set(meaning.map(({ sentence }) => sentence));
    const described = metadataFindings(same, one).filter(({ sentence }) => !told.has(sentence));
    const rules = ruled([...meaning, ...described]);
    if (rules.length === 0) {
      unchanged += 1;
      continue;
    }
    const isRefused = one.version !== undefined && same.hash !== one.hash;
    const worst = worstOf(rules);
    const change = worst === 'metadata' ? 'metadata' : 'changed';
    add(one, {
      change: isRefused ? 'refused' : change,
      class: isRefused ? 'breaking' : worst,
      sentences: sentencesOf(rules),
      rules,
      since: null,
      remedy: isRefused ? remedyOf(allVersions.get(one.name) ?? []) : null,
    });
  }
  for (const one of before) {
    if (now.has(titleOf(one))) continue;
    const nothing = { sentences: [], rules: [], since: null, remedy: null };
    add(one, { change: 'removed', class: 'removed', ...nothing });
  }
  changes.sort((a, b) => compareText(a.name, b.name) || versionOrder(a, b));
  return { changes, unchanged };
}

/** A source may get other names for its columns without meaning anything else. */
function meaningFindings<T extends Definition>(
  kind: DefinitionKind,
  before: T,
  after: T,
  findingsOf: (before: T, after: T) => Finding[],
): Finding[] {
  const isSame = before.hash === after.hash;
  if (isSame && kind !== 'source') return [];
  const found = findingsOf(before, after);
  // A source is what is told of it; all else means what it reads too.
  const isTold = kind === 'source' ? found.length > 0 : worstOf(found) === 'breaking';
  if (isSame || isTold || kind === 'dashboard') return found;
  return [...found, UNTOLD[kind]];
}

const READS: Finding = {
  rule: 'reads_changed',
  sentence: 'what it reads means something else',
};
const SELF: Finding = { rule: 'meaning_changed', sentence: 'it means something else' };

/** What is added where a hash differs for a reason that no finding tells as one that breaks. */
const UNTOLD: Readonly<Record<DefinitionKind, Finding>> = {
  ...{ source: SELF, entity: SELF, dashboard: SELF },
  view: { rule: 'source_changed', sentence: 'the source that it reads means something else' },
  ...{ service: READS, dataset: READS, model: READS },
};

function addedChange<T extends Definition>(
  one: T,
  earlier: T | null,
  findingsOf: (before: T, after: T) => Finding[],
  introduce: (one: T) => string[],
): Omit<DefinitionChange, 'kind' | 'name' | 'version'> {
  const added = { change: 'added', class: 'added', remedy: null } as const;
  if (earlier === null) return { ...added, sentences: introduce(one), rules: [], since: null };
  const rules = ruled(findingsOf(earlier, one));
  return {
    ...added,
    sentences: sentencesOf(rules, `since @${earlier.version}: `),
    rules,
    since: { version: earlier.version ?? 0, class: worstOf(rules) },
  };
}

/** Each rule once for each sentence, with its class. */
function ruled(findings: readonly Finding[]): RuledChange[] {
  const seen = new Set<string>();
  return findings.flatMap((one) => {
    const title = `${one.rule} ${one.sentence}`;
    if (seen.has(title)) return [];
    seen.add(title);
    return [{ ...one, class: classOf(one.rule) }];
  });
}

function sentencesOf(rules: readonly RuledChange[], prefix = ''): string[] {
  return [...new Set(rules.map(({ sentence }) => `${prefix}${sentence}`))];
}

/** The next version that nothing of the name has yet, of all that have the name. */
function remedyOf(ofName: readonly Definition[]): string {
  return `version: ${Math.max(...ofName.map(({ version = 0 }) => version)) + 1}`;
}

function versionOrder(a: DefinitionChange, b: DefinitionChange): number {
  return (a.version ?? 0) - (b.version ?? 0);
}

function titleOf({ name, version }: Definition): string {
  return `${name}@${version ?? ''}`;
}

function byTitle<T extends Definition>(definitions: readonly T[]): ReadonlyMap<string, T> {
  return new Map(definitions.map((one) => [titleOf(one), one]));
}

function newestBefore<T extends Definition>(one: T, ofName: readonly T[]): T | null {
  const earlier = ofName.filter((old) => (old.version ?? 0) < (one.version ?? 0));
  return earlier.reduce<T | null>(
    (newest, old) => ((newest?.version ?? 0) > (old.version ?? 0) ? newest : old),
    null,
  );
}
