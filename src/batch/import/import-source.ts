import { AsofError } from '../../base/errors.ts';
import type { SourcePlan, TableFromPlan } from '../../plan/plan.ts';
import { columnCalled } from '../../schema/evolution.ts';
import type { ColumnSchema } from '../../schema/types.ts';
import type { TableSource } from '../tables/table-source.ts';
import type { SchemaRules } from '../tables/upstream-schema.ts';

/** The column of staged rows that says when they arrived, where the source declares none. */
export const ARRIVED = '__arrived';

/** How rows of files become events of a stream. */
export interface ImportOptions {
  /** Upstream name → column. */
  readonly rename: Readonly<Record<string, string>>;
  /** The upstream column that says when a row arrived; one of the two. */
  readonly arrivalColumn: string | null;
  /** A row arrived so long after its event time. */
  readonly assumedDelayMs: number | null;
  /** Zone of times that name none. */
  readonly timeZone: string;
  /** Times finer than a millisecond: none, or down to it, and arrivals up. */
  readonly finerTimes?: 'refuse' | 'floor';
  /** Optional columns that files may lack. */
  readonly mayLack: readonly string[];
  /** Rows that arrived from here on are left out; `auto`: as the source's ids or live events say. */
  readonly until: number | 'auto';
}

/** A stream as its import sees it: what tables are read with reads files for it too. */
export interface ImportSource {
  readonly table: TableSource;
  readonly rules: SchemaRules;
  /** SQL of a staged row's arrival, in ms. */
  readonly arrivalSql: string;
  readonly options: ImportOptions;
}

/** @throws AsofError `bad_request` for what cannot be imported */
export function importSource(source: SourcePlan, options: ImportOptions): ImportSource {
  requireStream(source);
  const { arrivalTime, eventTime } = source;
  const { arrivalColumn, assumedDelayMs } = options;
  requireOneArrival(source, options);
  // Of changes, what a row must hold depends on what it does: the door alone looks at that.
  const isChange = (source.changes ?? null) !== null;
  const own = source.columns.map((column): ColumnSchema => {
    return isChange ? { ...column, optional: true, min: null, max: null } : column;
  });
  const arrived: ColumnSchema = {
    ...{ name: ARRIVED, type: { kind: 'timestamp' }, optional: true, min: null, max: null },
  };
  const hasOwnArrival = arrivalColumn !== null && arrivalTime === null;
  const columns = hasOwnArrival ? [...own, arrived] : own;
  const isAssumed = assumedDelayMs !== null;
  const declared = columns.filter(({ name }) => !(isAssumed && name === arrivalTime));
  const known = arrivalTime ?? ARRIVED;
  const firstName = (name: string): string => columnCalled(source.columns, name)?.name ?? name;
  const mapped = Object.fromEntries(
    Object.entries(options.rename).map(([from, to]) => [from, firstName(to)]),
  );
  const rename =
    arrivalColumn === null || arrivalColumn === known
      ? mapped
      : { ...mapped, [arrivalColumn]: known };
  return {
    table: {
      source: { ...source, columns },
      origin: originOf(rename, options.timeZone),
      declared,
      unitBy: null,
    },
    rules: {
      declared,
      rename,
      timeZone: options.timeZone,
      finerTimes: options.finerTimes === 'floor' ? { knownAt: known } : null,
      times: new Set([eventTime, known]),
      mayLack: new Set(options.mayLack.map(firstName)),
      evolution: source,
    },
    arrivalSql: isAssumed ? `("${eventTime}" + ${assumedDelayMs})` : `"${known}"`,
    options,
  };
}

function requireStream(source: SourcePlan): void {
  const { name, changes = null } = source;
  if (source.table) {
    throw new AsofError('bad_request', `'${name}' is a table; its rows are materialized.`, {
      remedy: 'Run `asof materialize`.',
    });
  }
  if (changes?.shape !== 'envelope') return;
  throw new AsofError('bad_request', `Rows of '${name}' come in envelopes; files hold none.`, {
    remedy: 'Import the history before with a source of plain rows, or push the envelopes.',
  });
}

function requireOneArrival({ name, arrivalTime }: SourcePlan, options: ImportOptions): void {
  const { arrivalColumn, assumedDelayMs } = options;
  if (arrivalColumn !== null && assumedDelayMs !== null) {
    throw new AsofError('usage', 'Give --arrival-column or --assumed-delay, not both.');
  }
  if (arrivalColumn !== null || assumedDelayMs !== null || arrivalTime !== null) return;
  throw new AsofError('usage', `Nothing says when rows of '${name}' arrived.`, {
    remedy:
      'Name a column by --arrival-column, or say by --assumed-delay how long after its event time ' +
      'a row was known: training must not know it earlier.',
  });
}

function originOf(rename: Readonly<Record<string, string>>, timeZone: string) {
  const from: TableFromPlan = {
    ...{ kind: 'files', format: 'parquet', paths: [], hive: [], delimiter: null, nullText: null },
    timeZone,
  };
  return {
    ...{ from, key: [], duplicates: 'reject' as const, unitBy: null, snapshot: null, rename },
    ...{ assumedDelayMs: null, graceMs: null, mayBeEmpty: false, expectations: {}, hash: '' },
  };
}
