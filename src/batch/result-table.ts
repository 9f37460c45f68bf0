import { LIMITS } from '../base/limits.ts';
import { sqlName } from '../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import type { ValueType } from '../schema/types.ts';
import type { Spine } from './spine.ts';

/** All rows of a training set with their typed values, in the order of the spine. */
export const RESULT = 'asof_result';

/** What a row has beside the spine's own columns. */
export interface AddedColumn {
  readonly name: string;
  /** What it is in `asof_result`. */
  readonly column: string;
  /** Over the rows of `featuresSql` and the labels. */
  readonly sql: string;
  readonly type: ValueType;
}

/** A column of flags, to be counted: whether a value is null because of something. */
export interface FlagColumn {
  readonly column: string;
  readonly sql: string;
}

export interface ResultRequest {
  /** Gives `r`, the spine's columns and what `added` and `flags` are made of. */
  readonly rowsSql: string;
  readonly spine: Spine;
  readonly added: readonly AddedColumn[];
  readonly flags: readonly FlagColumn[];
  /** Tables of labels, one row a row. */
  readonly labels: readonly { readonly table: string }[];
}

/** The columns of the spine in `asof_result`. */
export function keptColumns(spine: Spine): string[] {
  return spine.kept === 'lines' ? ['line'] : spine.columns.map((_, index) => `c${index}`);
}

/** Makes `asof_result`, and answers how many rows have each flag. */
export async function createResult(
  session: DuckDbSession,
  request: ResultRequest,
  options: RunOptions,
): Promise<number[]> {
  const { spine } = request;
  const rowsAtOnce = LIMITS.trainingRowsAtOnce;
  for (let from = 0; from === 0 || from < spine.rows; from += rowsAtOnce) {
    const range = rowsAtOnce >= spine.rows ? '' : `WHERE r >= ${from} AND r < ${from + rowsAtOnce}`;
    const rows = rowsSql(request, range);
    await session.run(
      from === 0
        ? `CREATE OR REPLACE TEMP TABLE ${RESULT} AS ${rows}`
        : `INSERT INTO ${RESULT} ${rows}`,
      options,
    );
  }
  if (request.flags.length === 0) return [];
  const counts = request.flags.map(({ column }) => `count(*) FILTER (WHERE ${column})`);
  const [row] = await session.rows(`SELECT ${counts.join(', ')} FROM ${RESULT}`);
  return request.flags.map((_, index) => Number(row?.[index] ?? 0));
}

function rowsSql({ rowsSql: rows, spine, added, flags, labels }: ResultRequest, range: string) {
  const select = [
    'f.r AS r',
    ...keptColumns(spine).map((column) => `f.${column} AS ${column}`),
    ...added.map(({ sql, column }) => `${sql} AS ${column}`),
    ...flags.map(({ sql, column }) => `${sql} AS ${column}`),
  ];
  const joins = labels.map(({ table }) => `LEFT JOIN ${table} ON ${table}.r = f.r`);
  return `SELECT ${select.join(', ')} FROM (SELECT * FROM (${rows}) ${range}) f ${joins.join(' ')}
    ORDER BY f.r`;
}

/** The rows under the names that they have in the file, typed, in their order. */
export function resultRelation(spine: Spine, added: readonly AddedColumn[]): string {
  const own =
    spine.kept === 'lines'
      ? ['line']
      : spine.columns.map((column, index) => `c${index} AS ${sqlName(column.name)}`);
  const shown = added.map(({ name, column }) => `${column} AS ${sqlName(name)}`);
  return `(SELECT ${[...own, ...shown].join(', ')} FROM ${RESULT})`;
}
