import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';

export interface ComparedRows {
  readonly rowsBefore: number;
  readonly rowsAfter: number;
  /** Rows of both, by key; rows of equal key are paired in their order. */
  readonly matched: number;
  readonly added: number;
  readonly removed: number;
  /** Matched rows in which at least one compared column differs. */
  readonly changed: number;
  /** In the order of the columns compared. */
  readonly columns: readonly ComparedColumn[];
}

export interface ComparedColumn {
  readonly name: string;
  /** Matched rows whose values differ. */
  readonly changed: number;
  readonly becameNull: number;
  readonly becameKnown: number;
  /** Of the absolute differences of changed numbers; null where there are none. */
  readonly medianChange: number | null;
  readonly maxChange: number | null;
  /** The keys whose values changed most. */
  readonly top: readonly ChangedKey[];
}

export interface ChangedKey {
  readonly key: Readonly<Record<string, string | null>>;
  readonly before: string | null;
  readonly after: string | null;
}

const PAIRS = 'asof_pairs';
const TOP_KEYS = 5;
const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/;

/**
 * Compares two relations row by row: `keys` name a row, `columns` are compared, values by `===`
 * (null equals null). A column must be in both.
 */
export async function compareRows(
  session: DuckDbSession,
  before: string,
  after: string,
  keys: readonly string[],
  columns: readonly string[],
  options: RunOptions = {},
): Promise<ComparedRows> {
  const types = await typesOf(session, before, after);
  await session.run(pairsSql(before, after, keys, columns, types), options);
  try {
    const differs = columns.map((_, at) => `b${at} IS DISTINCT FROM a${at}`);
    const [totals = []] = await session.rows(
      `SELECT count(in_b), count(in_a), count(*) FILTER (WHERE in_b AND in_a),
         count(*) FILTER (WHERE in_b AND in_a AND (${differs.join(' OR ') || 'FALSE'}))
       FROM ${PAIRS}`,
    );
    const [rowsBefore = 0, rowsAfter = 0, matched = 0, changed = 0] = totals.map(Number);
    const compared: ComparedColumn[] = [];
    for (const [at, name] of columns.entries()) {
      compared.push(await compareColumn(session, name, at, keys, isNumber(types, name)));
    }
    const [added, removed] = [rowsAfter - matched, rowsBefore - matched];
    return { rowsBefore, rowsAfter, matched, added, removed, changed, columns: compared };
  } finally {
    await session.run(`DROP TABLE IF EXISTS ${PAIRS}`);
  }
}

type Types = ReadonlyMap<string, { readonly before: string; readonly after: string }>;

async function typesOf(session: DuckDbSession, before: string, after: string): Promise<Types> {
  const of = async (relation: string): Promise<Map<string, string>> => {
    const rows = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
    return new Map(rows.map((row) => [String(row[0]), String(row[1])]));
  };
  const [olds, news] = [await of(before), await of(after)];
  return new Map(
    [...olds].map(([name, type]) => [name, { before: type, after: news.get(name) ?? type }]),
  );
}

function isNumber(types: Types, name: string): boolean {
  const type = types.get(name);
  return type !== undefined && NUMBER.test(type.before) && NUMBER.test(type.after);
}

function pairsSql(
  before: string,
  after: string,
  keys: readonly string[],
  columns: readonly string[],
  types: Types,
): string {
  const side = (relation: string, mark: 'a' | 'b'): string => {
    const named = keys.map((key, at) => `CAST(${sqlName(key)} AS VARCHAR) AS k${at}`);
    const cells = columns.map((name, at) => {
      const type = types.get(name);
      const isSame = type?.before === type?.after || isNumber(types, name);
      const cell = isSame ? sqlName(name) : `CAST(${sqlName(name)} AS VARCHAR)`;
      return `${cell} AS ${mark}${at}`;
    });
    const parts = keys.map((_, at) => `k${at}`).join(', ') || '1';
    return `(SELECT *, row_number() OVER (PARTITION BY ${parts} ORDER BY n) AS turn FROM (
      SELECT ${[`row_number() OVER () AS n`, `TRUE AS in_${mark}`, ...named, ...cells].join(', ')}
      FROM ${relation}))`;
  };
  const same = [...keys.map((_, at) => `old.k${at} IS NOT DISTINCT FROM new.k${at}`)];
  const shown = [
    ...keys.map((_, at) => `coalesce(old.k${at}, new.k${at}) AS k${at}`),
    'in_b',
    'in_a',
    ...columns.flatMap((_, at) => [`b${at}`, `a${at}`]),
  ];
  return `CREATE OR REPLACE TEMP TABLE ${PAIRS} AS SELECT ${shown.join(', ')}
    FROM ${side(before, 'b')} AS old FULL JOIN ${side(after, 'a')} AS new
    ON ${[...same, 'old.turn = new.turn'].join(' AND ')}`;
}

async function compareColumn(
  session: DuckDbSession,
  name: string,
  at: number,
  keys: readonly string[],
  isNumeric: boolean,
): Promise<ComparedColumn> {
  const changed = `in_b AND in_a AND b${at} IS DISTINCT FROM a${at}`;
  const size = isNumeric
    ? `abs(CAST(a${at} AS DOUBLE) - CAST(b${at} AS DOUBLE))`
    : 'CAST(NULL AS DOUBLE)';
  const [row = []] = await session.rows(
    `SELECT count(*), count(*) FILTER (WHERE a${at} IS NULL),
       count(*) FILTER (WHERE b${at} IS NULL), quantile_disc(${size}, 0.5), max(${size})
     FROM ${PAIRS} WHERE ${changed}`,
  );
  const [count = 0, becameNull = 0, becameKnown = 0] = row.slice(0, 3).map(Number);
  const named = keys.map((_, index) => `k${index}`);
  const top =
    count === 0
      ? []
      : await session.rows(
          `SELECT ${[...named, `CAST(b${at} AS VARCHAR)`, `CAST(a${at} AS VARCHAR)`].join(', ')}
           FROM ${PAIRS} WHERE ${changed}
           ORDER BY ${[`${size} DESC NULLS LAST`, ...named].join(', ')} LIMIT ${TOP_KEYS}`,
        );
  return {
    name,
    changed: count,
    becameNull,
    becameKnown,
    medianChange: numberOrNull(row[3]),
    maxChange: numberOrNull(row[4]),
    top: top.map((cells) => ({
      key: Object.fromEntries(keys.map((key, index) => [key, textOrNull(cells[index])])),
      before: textOrNull(cells[keys.length]),
      after: textOrNull(cells[keys.length + 1]),
    })),
  };
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
