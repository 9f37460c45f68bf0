import { AsofError } from '../base/errors.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { Applied } from '../registry/applied.ts';
import type { Registry } from '../registry/registry.ts';
import type { Config } from './config.ts';
import { loadDefinitions } from './definitions.ts';
import { requireSamePlan, writePlanFile } from './plan-file.ts';
import {
  type ChangeDetails,
  detailsOf,
  type PlannedChange,
  planChange,
  requireNoRefusals,
} from './planned-change.ts';
import { withRegistry } from './with-registry.ts';

export type { PlannedChange } from './planned-change.ts';

export type DetailedChange = PlannedChange & ChangeDetails;

/** What applying the definitions would change; nothing is written but an empty registry. */
export function planProject(config: Config): Promise<DetailedChange> {
  return withDefinitions(config, async (registry, compiled) => {
    const planned = await planChange(config, registry, compiled);
    return { ...planned, ...(await detailsOf(config, registry, planned)) };
  });
}

/** Writes a file that `applyProject` takes, of a plan that is not refused. */
export function writePlan(path: string, planned: DetailedChange): void {
  const { diff, impact, cost, groups, state, kept } = planned;
  writePlanFile(path, planned, { diff, impact, cost, groups, state, kept });
}

export interface AppliedChange extends PlannedChange {
  /** The generation that is applied now; the former one where nothing changed. */
  readonly generation: number;
}

export interface ApplyOptions {
  /** What `planProject` wrote: exactly that is applied, or nothing. */
  readonly planFile?: string | null;
}

/**
 * Makes the definitions the current ones of the project's namespaces.
 * @throws AsofError `plan_stale`; `version_conflict`, `type_mismatch`, `history_removed`,
 *   `foreign_definition` or `still_read` with an issue for each definition refused; `run_conflict`
 *   where something of the namespaces was applied meanwhile
 */
export function applyProject(
  config: Config,
  author: string,
  options: ApplyOptions = {},
): Promise<AppliedChange> {
  return withDefinitions(config, async (registry, compiled) => {
    const planned = await planChange(config, registry, compiled);
    return applyPlanned(registry, planned, author, options);
  });
}

/** The same, with what it touches and costs. */
export function applyInDetail(
  config: Config,
  author: string,
  options: ApplyOptions,
): Promise<AppliedChange & ChangeDetails> {
  return withDefinitions(config, async (registry, compiled) => {
    const planned = await planChange(config, registry, compiled);
    const details = await detailsOf(config, registry, planned);
    return { ...details, ...(await applyPlanned(registry, planned, author, options)) };
  });
}

async function applyPlanned(
  registry: Registry,
  planned: PlannedChange,
  author: string,
  { planFile = null }: ApplyOptions,
): Promise<AppliedChange> {
  if (planFile !== null) requireSamePlan(planFile, planned);
  requireNoRefusals(planned);
  const { compiled: plan, namespaces, generation: basedOn } = planned;
  const request = { plan, author, namespaces, basedOn };
  const { generation } = await registry.apply(request).catch((error: unknown) => {
    throw planFile === null ? error : staleAsPlanned(planFile, error);
  });
  return { ...planned, generation };
}

/** What was applied between looking and applying makes a file as stale as what was before. */
function staleAsPlanned(path: string, error: unknown): unknown {
  if (!(error instanceof AsofError) || error.code !== 'run_conflict') return error;
  return new AsofError('plan_stale', error.message, { path, remedy: error.remedy, cause: error });
}

async function withDefinitions<T>(
  config: Config,
  work: (registry: Registry, compiled: ProjectPlan) => Promise<T>,
): Promise<T> {
  const compiled = await loadDefinitions(config.definitions, config);
  return withRegistry(config, (registry) => work(registry, compiled));
}

/** @throws AsofError `not_applied` */
export async function appliedPlan(config: Config): Promise<Applied> {
  const applied = await withRegistry(config, (registry) => registry.current());
  if (applied !== null) return applied;
  throw new AsofError('not_applied', `Nothing has been applied in ${config.dataDir}.`, {
    path: config.dataDir,
  });
}
