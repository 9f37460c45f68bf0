import { assert } from '../../base/assert.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { didYouMean } from '../../base/suggest.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { tokenizedColumns } from '../../plan/personal-columns.ts';
import type { ProjectPlan, SourcePlan } from '../../plan/plan.ts';
import { HeldLease } from '../backfill/held-lease.ts';
import { materializeFiles } from './materialize-files.ts';
import { materializePostgres } from './materialize-postgres.ts';
import { materializeQuery, type QueryUpstreams } from './materialize-query.ts';
import { TableRun } from './send-changes.ts';
import { Stage } from './stage.ts';
import { type TableReport, TableTally } from './table-report.ts';
import { type TableSource, tableSource } from './table-source.ts';
import { TableWork } from './table-work.ts';
import type { MaterializeOptions, TablesWorld } from './tables-world.ts';
import { type AcceptedUnit, UnitGate } from './unit-gate.ts';
import { definitionOf, tableSubject, UnitStates } from './unit-states.ts';

const KIND = 'materialize';

/**
 * Makes the live rows of one table what is upstream. Whatever a run before has done, or half done,
 * the changes are those between what is live now and what is upstream now.
 * @throws AsofError where the table cannot be read at all; a unit's failure is in the report
 */
export async function materializeTable(
  world: TablesWorld,
  source: SourcePlan,
  options: MaterializeOptions,
): Promise<TableReport> {
  const table = tableSource(source);
  if (options.dryRun) return inSession(world, table, options, null);
  const subject = tableSubject(source.name);
  const lease = new HeldLease(world, subject);
  try {
    await endFormerRun(world, source.name);
    const { number } = world.catalog.runs.begin(KIND, subject);
    const signal = AbortSignal.any([lease.signal, ...(options.signal ? [options.signal] : [])]);
    const run = new TableRun({
      ...{ door: world.door, table, signal },
      run: runId(source.name, number),
      chunkRows: world.chunkRows ?? LIMITS.bulkRows,
    });
    try {
      const held = { run, number, lease };
      const report = await inSession(world, table, { ...options, signal }, held);
      world.catalog.runs.end(number, report.ok ? 'done' : 'failed', totalsOf(report));
      return report;
    } catch (error) {
      const words = keptWords(error, source);
      world.catalog.runs.end(number, options.signal?.aborted ? 'stopped' : 'failed', {}, words);
      throw error;
    } finally {
      await run.finish();
    }
  } finally {
    lease.release();
  }
}

function runId(table: string, number: number): string {
  return `table:${table}:${number}`;
}

/** A run that died may have a chunk under way: the door must know that it is over. */
async function endFormerRun({ catalog, door }: TablesWorld, table: string): Promise<void> {
  const former = catalog.runs.newest(KIND, tableSubject(table));
  if (former === null || former.status === 'done') return;
  await door.finish(table, runId(table, former.number));
  if (former.status !== 'running') return;
  catalog.runs.end(former.number, 'failed', former.totals, 'The process ended within it.');
}

/** What a run that writes holds. */
interface HeldRun {
  readonly run: TableRun;
  readonly number: number;
  readonly lease: HeldLease;
}

/** What is let through is recorded before anything of it is appended, and the record stays. */
function record({ catalog }: TablesWorld, table: string, held: HeldRun, one: AcceptedUnit): void {
  const { unit, rows, reason, findings } = one;
  const details = { accepted: true, run: runId(table, held.number), table, reason, findings };
  const audit = { partition: unit, path: null, rows, bytes: 0, checksum: null, details };
  catalog.audits.add(held.number, tableSubject(table), audit);
}

/** Words of a reader may quote what it read, which may be raw ids: the catalog keeps none of them. */
function keptWords(error: unknown, source: SourcePlan): string {
  if (tokenizedColumns(source).length === 0) {
    return error instanceof Error ? error.message : String(error);
  }
  return error instanceof AsofError ? error.code : 'internal';
}

function totalsOf({ units, rows, commit, vanished }: TableReport) {
  return { units, rows, commit, vanished: vanished.length };
}

async function inSession(
  world: TablesWorld,
  table: TableSource,
  options: MaterializeOptions,
  held: HeldRun | null,
): Promise<TableReport> {
  const { source, origin } = table;
  const run = held?.run ?? null;
  const session = await DuckDbSession.open({ ...world.duckdb, every: world.every });
  try {
    const history = await world.openHistory();
    const read = upstreamsOf(world.plan, table);
    const names = await history.attachAll(session.connection, [source, ...read.values()]);
    const [events = '', ...others] = names;
    const now = await world.now();
    const [engine = []] = await session.rows('SELECT version()');
    const definition = definitionOf(table, String(engine[0]));
    const states = new UnitStates({
      ...{ catalog: world.catalog, source, nowMs: now.dueMs, lease: held?.lease.lease ?? null },
      through: history.through,
      graceMs: world.graceMs(source),
    });
    const tally = new TableTally(source.name);
    const stage = new Stage(session, table, world.fences);
    const gate = new UnitGate({
      ...{ session, table, tally, looks: states.looks, accept: options.accept ?? null },
      allowMissing: options.allowMissing,
      onAccepted: (one) => (held === null ? undefined : record(world, source.name, held, one)),
    });
    const backdate = options.backdate === true;
    const own = { session, table, events, stage, states, tally, gate, definition };
    const batch = { ...own, now, backdate, run };
    const work: TableWork = new TableWork(
      world,
      table,
      { ...batch, onRows: () => work.progress('writing') },
      options,
    );
    await run?.begin();
    states.began(run?.commit ?? 0);
    // Of rows of which nothing is noted it cannot be told what came with them.
    const [known] = states.isUnnoted ? await session.rows(`SELECT 1 FROM ${events} LIMIT 1`) : [];
    if (known !== undefined) states.looked(run?.commit ?? 0);
    if (origin.from.kind === 'files') await materializeFiles(work, origin.from);
    else if (origin.from.kind === 'postgres') await materializePostgres(work, origin.from);
    else {
      const upstreams: QueryUpstreams = new Map(
        [...read].map(([alias, one], i) => [alias, { source: one, events: others[i] ?? '' }]),
      );
      await materializeQuery(work, origin.from, upstreams);
    }
    // A first load may go in parts, and one that brought nothing at all has not begun.
    const isLoaded = options.unit === null && states.all().length > 0;
    if (isLoaded) states.looked(run?.commit ?? 0);
    return tally.report();
  } finally {
    session.close();
  }
}

/** The sources that a query reads, by their names in it. */
function upstreamsOf(plan: ProjectPlan, { origin }: TableSource): Map<string, SourcePlan> {
  if (origin.from.kind !== 'query') return new Map();
  return new Map(
    Object.entries(origin.from.upstreams).map(([alias, name]) => {
      const source = plan.sources.find((one) => one.name === name);
      assert(source !== undefined, `the plan has ${name}`);
      return [alias, source];
    }),
  );
}

/** @throws AsofError `unknown_source` */
export function tableNamed(plan: ProjectPlan, name: string): SourcePlan {
  const tables = plan.sources.filter(({ origin }) => (origin ?? null) !== null);
  const found = tables.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = tables.map((one) => one.name);
  const message = `No table is named '${name}'.${didYouMean(name, names)}`;
  throw new AsofError('unknown_source', message, { path: name });
}
