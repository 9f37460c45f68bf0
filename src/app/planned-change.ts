import { AsofError, type ErrorCode, type Issue, issue } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { SchemaBook } from '../ingest/schema-book.ts';
import { type DefinitionChange, diffPlans, type PlanDiff } from '../plan/diff.ts';
import { evolutionConflicts } from '../plan/evolution-conflicts.ts';
import { explainPlan, type GroupExplanation } from '../plan/explain.ts';
import { type ChangeImpact, Impacts } from '../plan/impact.ts';
import { type KeptEntries, keptEntries } from '../plan/kept-entries.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { definitionsIn } from '../plan/references.ts';
import { inScope } from '../plan/scope-digest.ts';
import { mergeScoped } from '../plan/scoped.ts';
import { estimateState, type StateEstimate } from '../plan/state-estimate.ts';
import type { Applied } from '../registry/applied.ts';
import type { DraftAhead } from '../registry/lifecycle-applied.ts';
import type { Registry } from '../registry/registry.ts';
import { DEFAULT_NAMESPACE } from '../schema/types.ts';
import { viewerOf } from './access/identity.ts';
import type { Config } from './config.ts';
import { answeringVersions } from './live-versions.ts';
import { removedHistoryConflicts } from './removed-history.ts';
import { type ReplayCost, replayCosts } from './replay-cost.ts';
import { wideningConflicts } from './widening-conflicts.ts';

/** What applying definitions would change, and what speaks against it. */
export interface PlannedChange {
  /** What the project defines, with what it takes from other namespaces. */
  readonly compiled: ProjectPlan;
  /** What is applied now, or null. */
  readonly current: ProjectPlan | null;
  /** What would be applied then, all namespaces included. */
  readonly plan: ProjectPlan;
  /** The namespaces that the project owns; null: all. */
  readonly namespaces: readonly string[] | null;
  readonly diff: PlanDiff;
  /** Why it would be refused, each definition and reason one issue. */
  readonly refusals: readonly Issue[];
  /** New versions that will be served only once they are approved. */
  readonly drafts: readonly DraftAhead[];
  readonly generation: number;
}

/** Reasons of one kind, as an apply refuses them together. */
interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly issues: readonly Issue[];
}

/**
 * Reads the registry and the data directory; changes nothing.
 * @throws AsofError `unknown_name` of definitions that whoever plans may not read
 */
export async function planChange(
  config: Config,
  registry: Registry,
  compiled: ProjectPlan,
): Promise<PlannedChange> {
  const { namespaces } = config;
  requireForeignReads(config, compiled);
  const applied = await registry.current();
  const current = applied?.plan ?? null;
  const { plan, issues: foreign } = mergeScoped(current, compiled, namespaces, (name) =>
    viewerOf(config).mayRead(name),
  );
  const logged = loggedTypeConflicts(config, plan);
  const refusals = [
    ...logged,
    ...(await wideningConflicts(config, plan)),
    // What the log says of a column's type is more than that it was declared otherwise before.
    ...evolutionConflicts(await knownToProducers(registry, applied), plan).filter(
      ({ path }) => !hasPath(logged, path),
    ),
    ...removedHistoryConflicts(config, plan, current),
    ...foreign,
    // What is not what its owner applied has conflicts for that reason alone.
    ...(foreign.length > 0 ? [] : await registry.conflicts(plan, namespaces)),
  ];
  const diff = ownDiff(diffPlans(current, plan), plan, namespaces);
  const generation = applied?.generation ?? 0;
  const drafts = await registry.lifecycle.draftsAhead(plan);
  return { compiled, current, plan, namespaces, diff, refusals, drafts, generation };
}

/**
 * Schema versions that no server has taken over yet are known to no producer: they can be taken
 * back, for one where an event came in meanwhile that does not fit them.
 */
async function knownToProducers(
  registry: Registry,
  applied: Applied | null,
): Promise<ProjectPlan | null> {
  if (applied === null) return null;
  const served = await registry.generationServed();
  const isBehind = served > 0 && served < applied.generation;
  return isBehind ? registry.planOf(served) : applied.plan;
}

/**
 * Who applies what reads definitions of other namespaces must be a reader there, also to learn
 * whether they are as is said of them.
 */
function requireForeignReads(config: Config, compiled: ProjectPlan): void {
  const isOwn = inScope(config.namespaces);
  const foreign = definitionsIn(compiled).filter(({ name }) => !isOwn(name));
  if (foreign.length === 0) return;
  viewerOf(config).require(
    'features.read',
    foreign.map(({ name }) => name),
  );
}

/** Of other namespaces nothing changes, and not even how much there is of them is told. */
function ownDiff(diff: PlanDiff, plan: ProjectPlan, namespaces: Config['namespaces']): PlanDiff {
  if (namespaces === null) return diff;
  const isOwn = inScope(namespaces);
  const own = definitionsIn(plan).filter(({ name }) => isOwn(name));
  const changed = diff.changes.filter(({ change }) => change !== 'removed').length;
  return { ...diff, unchanged: own.length - changed };
}

/**
 * Refuses what cannot be applied, the first kind of reason first.
 * @throws AsofError of the code of the refusals, with an issue for each
 */
export function requireNoRefusals({ refusals }: PlannedChange): void {
  const [first] = refusals;
  if (first === undefined) return;
  const issues = refusals.filter(({ code }) => code === first.code);
  const { code, message }: Omit<Refusal, 'issues'> = {
    code: first.code,
    message: MESSAGES[first.code] ?? first.message,
  };
  throw new AsofError(code, message, { path: first.path, issues });
}

const MESSAGES: Readonly<Partial<Record<ErrorCode, string>>> = {
  type_mismatch: 'Logged events have other types.',
  history_removed: 'Windows reach to removed events.',
  version_conflict: 'The plan changes what versions mean.',
  lifecycle_refused: 'The lifecycle of versions does not allow what is defined.',
  foreign_definition: 'Definitions of other namespaces are not what is applied there.',
  still_read: 'Definitions of other namespaces read what would go or change.',
};

function hasPath(issues: readonly Issue[], path: string): boolean {
  return issues.some((one) => one.path === path);
}

/** Columns whose logged events have another type: no engine could read them any more. */
function loggedTypeConflicts(config: Config, plan: ProjectPlan): Issue[] {
  const book = new SchemaBook(new NodeDisk(config.dataDir));
  return plan.sources.flatMap((source) => {
    try {
      book.check(source);
      return [];
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
      return [issue(error.code, error.path ?? source.name, error.message, error.remedy)];
    }
  });
}

/** What one change touches, and what it costs. */
export interface PlannedImpact extends ChangeImpact {
  readonly kind: DefinitionChange['kind'];
  readonly name: string;
  readonly version: number | null;
  /** What building its new tile groups from the history takes. */
  readonly replay: ReplayCost;
}

/** What people look at before they apply. */
export interface ChangeDetails {
  /** In the order of the changes. */
  readonly impact: readonly PlannedImpact[];
  /** Of all changes together, each tile group once. */
  readonly cost: ReplayCost;
  /** Which features share which tiles, and what they cost. */
  readonly groups: readonly GroupExplanation[];
  /** What the state can take, by view and in all. */
  readonly state: StateEstimate;
  /** Which features over sources with changes can run out of what they keep. */
  readonly kept: readonly KeptEntries[];
}

/** Of the project's own namespaces; of others only what may be seen, and their number. */
export async function detailsOf(
  config: Config,
  registry: Registry,
  { plan, current, diff, namespaces }: PlannedChange,
): Promise<ChangeDetails> {
  const isOwn = inScope(namespaces);
  const viewer = viewerOf(config);
  const visible = (name: string): boolean => isOwn(name) || viewer.mayRead(name);
  const impacts = new Impacts(current, plan, await answeringVersions(current, registry), visible);
  const own = ownPart(plan, isOwn);
  const groups = explainPlan(own);
  return replayCosts(config, plan, (costOf) => ({
    impact: diff.changes.map((change) => {
      const { kind, name, version } = change;
      const impact = impacts.of(change);
      return { kind, name, version, ...impact, replay: costOf(impact.cost.groupsAdded) };
    }),
    cost: costOf(diff.groupsAdded),
    groups,
    state: estimateState(own, groups),
    kept: keptEntries(own),
  }));
}

function ownPart(plan: ProjectPlan, isOwn: (name: string) => boolean): ProjectPlan {
  return {
    ...plan,
    views: plan.views.filter(({ name }) => isOwn(name)),
    groups: plan.groups.filter(({ namespace = DEFAULT_NAMESPACE }) => isOwn(`${namespace}.`)),
  };
}
