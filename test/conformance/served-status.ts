import { referencedColumns } from '../../src/expr/references.ts';
import type { ServicePlan, ViewPlan } from '../../src/plan/plan.ts';
import type { OracleAnswer, PlatformOracle } from '../../src/testing/platform-oracle.ts';

/**
 * Statuses as serving tells them: a present value of a view that is behind its objective is stale,
 * and so is what is computed from one.
 */
export function servedStatuses(
  oracle: PlatformOracle,
  service: ServicePlan,
  outputs: ReadonlyMap<string, OracleAnswer>,
  asOfMs: number,
  commit: number,
): Map<string, string> {
  const statuses = new Map<string, string>();
  for (const { name, view, version } of service.features) {
    const plan = oracle.plan.views.find((one) => one.name === view && one.version === version);
    const isLate = plan !== undefined && isBehind(oracle, plan, asOfMs, commit);
    const status = outputs.get(name)?.status ?? 'unknown';
    statuses.set(name, isLate && status === 'present' ? 'stale' : status);
  }
  for (const { name, expr } of service.onDemand) {
    const isLate = referencedColumns(expr).some((input) => statuses.get(input) === 'stale');
    const status = outputs.get(name)?.status ?? 'unknown';
    statuses.set(name, isLate && status === 'present' ? 'stale' : status);
  }
  return statuses;
}

function isBehind(
  { events }: PlatformOracle,
  { source, freshnessMs }: ViewPlan,
  asOfMs: number,
  commit: number,
): boolean {
  if (freshnessMs === null) return false;
  const known = events.filter((event) => event.source === source && event.commit <= commit);
  const newestMs = known.reduce((most, event) => Math.max(most, event.arrivalTimeMs), 0);
  return known.length === 0 || asOfMs - newestMs > freshnessMs;
}
