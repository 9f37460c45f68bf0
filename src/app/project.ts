import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError, type Issue } from '../base/errors.ts';
import type { PlanDiff } from '../plan/diff.ts';
import { explainPlan, type GroupExplanation } from '../plan/explain.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { type Applied, Registry } from '../registry/registry.ts';
import type { Config } from './config.ts';
import { checkFormat } from './data-directory.ts';
import { loadDefinitions } from './definitions.ts';

export interface PlannedChange {
  readonly plan: ProjectPlan;
  readonly diff: PlanDiff;
  /** Definitions that an apply refuses, because their name@version meant something else. */
  readonly refusals: readonly Issue[];
  /** Which features share which tiles, and what they cost. */
  readonly groups: readonly GroupExplanation[];
  readonly generation: number;
}

export function openRegistry(config: Config): Registry {
  mkdirSync(config.dataDir, { recursive: true });
  checkFormat(config.dataDir);
  return Registry.open(join(config.dataDir, 'registry.db'), systemClock);
}

/** What applying the definitions would change; nothing is written but an empty registry. */
export async function planProject(config: Config): Promise<PlannedChange> {
  const plan = await loadDefinitions(config.definitions);
  const registry = openRegistry(config);
  try {
    return {
      plan,
      diff: registry.diff(plan),
      refusals: registry.conflicts(plan),
      groups: explainPlan(plan),
      generation: registry.generation(),
    };
  } finally {
    registry.close();
  }
}

/** @throws AsofError `version_conflict` with an issue for each definition refused */
export async function applyProject(
  config: Config,
  author: string,
): Promise<{ readonly generation: number; readonly diff: PlanDiff }> {
  const plan = await loadDefinitions(config.definitions);
  const registry = openRegistry(config);
  try {
    return registry.apply(plan, author);
  } finally {
    registry.close();
  }
}

/** @throws AsofError `not_applied` */
export function appliedPlan(config: Config): Applied {
  const registry = openRegistry(config);
  try {
    const applied = registry.current();
    if (applied !== null) return applied;
    throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`, {
      path: config.dataDir,
    });
  } finally {
    registry.close();
  }
}
