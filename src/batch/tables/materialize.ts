import { AsofError } from '../../base/errors.ts';
import type { ProjectPlan, SourcePlan } from '../../plan/plan.ts';
import { materializeTable, tableNamed } from './materialize-table.ts';
import type { TableReport } from './table-report.ts';
import type { MaterializeOptions, TablesWorld } from './tables-world.ts';

/** What became of one table: what was done, or why nothing could be. */
export type TableOutcome =
  | { readonly table: string; readonly report: TableReport; readonly error: null }
  | { readonly table: string; readonly report: null; readonly error: AsofError };

/**
 * Materializes tables one after the other, each behind those that it reads. A table that fails
 * keeps what was live, and so do those that read it; the others go on.
 * @throws AsofError `unknown_source`
 */
export async function materialize(
  world: TablesWorld,
  names: readonly string[] | 'all',
  options: MaterializeOptions,
): Promise<TableOutcome[]> {
  const outcomes: TableOutcome[] = [];
  const failed = new Set<string>();
  for (const source of inOrder(world.plan, names)) {
    options.signal?.throwIfAborted();
    const cause = upstreamNames(source).find((name) => failed.has(name));
    const outcome =
      cause === undefined ? await outcomeOf(world, source, options) : behind(source.name, cause);
    if (outcome.error !== null || !outcome.report.ok) failed.add(source.name);
    outcomes.push(outcome);
  }
  return outcomes;
}

async function outcomeOf(
  world: TablesWorld,
  source: SourcePlan,
  options: MaterializeOptions,
): Promise<TableOutcome> {
  const table = source.name;
  try {
    return { table, report: await materializeTable(world, source, options), error: null };
  } catch (error) {
    if (!(error instanceof AsofError) || options.signal?.aborted === true) throw error;
    return { table, report: null, error };
  }
}

function behind(table: string, upstream: string): TableOutcome {
  const message = `'${table}' was left as it is, as '${upstream}', which it reads, failed.`;
  const remedy = `Mend '${upstream}' first.`;
  return { table, report: null, error: new AsofError('upstream_changed', message, { remedy }) };
}

function upstreamNames({ origin }: SourcePlan): string[] {
  return origin?.from.kind === 'query' ? Object.values(origin.from.upstreams) : [];
}

/** Tables in the order of the plan, but behind what they read. */
function inOrder(plan: ProjectPlan, names: readonly string[] | 'all'): SourcePlan[] {
  const tables = plan.sources.filter(({ origin }) => (origin ?? null) !== null);
  const wanted = names === 'all' ? tables : names.map((name) => tableNamed(plan, name));
  const ordered = new Set<SourcePlan>();
  const visit = (source: SourcePlan): void => {
    for (const name of upstreamNames(source)) {
      const upstream = wanted.find((one) => one.name === name);
      if (upstream !== undefined) visit(upstream);
    }
    ordered.add(source);
  };
  for (const source of wanted) visit(source);
  return [...ordered];
}
