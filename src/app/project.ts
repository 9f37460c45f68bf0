import { AsofError, type Issue, issue } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { SchemaBook } from '../ingest/schema-book.ts';
import { diffPlans, type PlanDiff } from '../plan/diff.ts';
import { explainPlan, type GroupExplanation } from '../plan/explain.ts';
import { type KeptEntries, keptEntries } from '../plan/kept-entries.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { estimateState, type StateEstimate } from '../plan/state-estimate.ts';
import type { Applied } from '../registry/registry.ts';
import type { Config } from './config.ts';
import { loadDefinitions } from './definitions.ts';
import { removedHistoryConflicts } from './removed-history.ts';
import { withRegistry } from './with-registry.ts';

export interface PlannedChange {
  readonly plan: ProjectPlan;
  readonly diff: PlanDiff;
  /** Definitions that an apply refuses, because their name@version meant something else. */
  readonly refusals: readonly Issue[];
  /** Which features share which tiles, and what they cost. */
  readonly groups: readonly GroupExplanation[];
  /** What the state can take, by view and in all. */
  readonly state: StateEstimate;
  /** Which features over sources with changes can run out of what they keep. */
  readonly kept: readonly KeptEntries[];
  readonly generation: number;
}

/** What applying the definitions would change; nothing is written but an empty registry. */
export async function planProject(config: Config): Promise<PlannedChange> {
  const plan = await loadDefinitions(config.definitions);
  const groups = explainPlan(plan);
  return withRegistry(config, async (registry) => {
    const current = await registry.current();
    return {
      plan,
      diff: diffPlans(current?.plan ?? null, plan),
      refusals: [
        ...(await registry.conflicts(plan)),
        ...loggedTypeConflicts(config, plan),
        ...removedHistoryConflicts(config, plan, current?.plan ?? null),
      ],
      groups,
      state: estimateState(plan, groups),
      kept: keptEntries(plan),
      generation: current?.generation ?? 0,
    };
  });
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

/**
 * @throws AsofError `version_conflict` or `type_mismatch` with an issue for each definition refused
 */
export async function applyProject(
  config: Config,
  author: string,
): Promise<{ readonly generation: number; readonly diff: PlanDiff }> {
  const plan = await loadDefinitions(config.definitions);
  return withRegistry(config, async (registry) => {
    const issues = loggedTypeConflicts(config, plan);
    if (issues.length > 0) {
      throw new AsofError('type_mismatch', 'Logged events have other types.', { issues });
    }
    const removed = removedHistoryConflicts(config, plan, (await registry.current())?.plan ?? null);
    if (removed.length > 0) {
      throw new AsofError('history_removed', 'Windows reach to removed events.', {
        issues: removed,
      });
    }
    return registry.apply({ plan, author });
  });
}

/** @throws AsofError `not_applied` */
export async function appliedPlan(config: Config): Promise<Applied> {
  const applied = await withRegistry(config, (registry) => registry.current());
  if (applied !== null) return applied;
  throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`, {
    path: config.dataDir,
  });
}
