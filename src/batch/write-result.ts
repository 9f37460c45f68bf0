import { sqlName, sqlString } from '../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { keptFloat } from '../schema/kept-float.ts';
import type { ValueType } from '../schema/types.ts';
import { type AddedColumn, RESULT, resultRelation } from './result-table.ts';
import type { Spine } from './spine.ts';
import { type OutputFormat, requireFormat } from './training-output.ts';
import { writeArrow } from './write-arrow.ts';

export interface WrittenResult {
  readonly spine: Spine;
  readonly added: readonly AddedColumn[];
  /** Where the bytes go. */
  readonly path: string;
  /** The name whose extension says how. */
  readonly format: string;
  /** What Parquet and Arrow files say of themselves. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes `asof_result` as a file. */
export async function writeResult(
  session: DuckDbSession,
  result: WrittenResult,
  options: RunOptions,
): Promise<void> {
  const format = requireFormat(result.format);
  const { spine, added, path, metadata } = result;
  if (format === 'arrow' || format === 'arrow_stream') {
    const typed = added.map((one) => ({ ...one, column: cellSql(one.type, one.column, format) }));
    const relation = resultRelation(spine, typed);
    await writeArrow(
      session,
      relation,
      { path, stream: format === 'arrow_stream', metadata },
      options,
    );
    return;
  }
  const [rows, how] = copied(result, format);
  await session.run(`COPY (${rows}) TO ${sqlString(path)} (${how})`, options);
}

function copied({ spine, added, metadata }: WrittenResult, format: OutputFormat): [string, string] {
  if (spine.kept === 'lines') {
    const members = added.map(({ name, column }) => ({ name, sql: column }));
    return [`SELECT ${lineSql(members)} FROM ${RESULT}`, LINES_COPY];
  }
  const own = spine.columns.map((column, index) => `c${index} AS ${sqlName(column.name)}`);
  const cells = added.map(({ name, column, type }) => {
    return `${cellSql(type, column, format)} AS ${sqlName(name)}`;
  });
  const rows = `SELECT ${[...own, ...cells].join(', ')} FROM ${RESULT}`;
  if (format === 'csv') return [rows, 'FORMAT CSV, HEADER'];
  if (format === 'ndjson') return [rows, 'FORMAT JSON'];
  const pairs = Object.entries(metadata).map(
    ([name, value]) => `${sqlName(name)}: ${sqlString(value)}`,
  );
  return [rows, `FORMAT PARQUET, COMPRESSION SNAPPY, KV_METADATA {${pairs.join(', ')}}`];
}

/**
 * CSV knows no lists: there they are JSON text. What is kept in fewer bits takes four bytes where a
 * file has types; as text it is the float64 that was served, with all its digits.
 */
function cellSql(type: ValueType, column: string, format: OutputFormat): string {
  if (keptFloat(type) !== null) return isTyped(format) ? `CAST(${column} AS FLOAT)` : column;
  const isList = type.kind === 'list' || type.kind === 'counts' || type.kind === 'vector';
  return isList && format === 'csv' ? `CAST(to_json(${column}) AS VARCHAR)` : column;
}

function isTyped(format: OutputFormat): boolean {
  return format === 'parquet' || format === 'arrow' || format === 'arrow_stream';
}

/** Writes one column of text as it is. JSON holds no raw control character, so none can collide. */
const LINES_COPY = "FORMAT CSV, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'";

/** The spine's own line of NDJSON, byte for byte, with the features before its closing brace. */
function lineSql(features: readonly { readonly name: string; readonly sql: string }[]): string {
  const line = 'CAST(line AS VARCHAR)';
  if (features.length === 0) return line;
  const members = features.map(({ name, sql }) => `${sqlName(name)} := ${sql}`).join(', ');
  const own = `rtrim(left(${line}, length(${line}) - 1), ' \t')`;
  const added = `substr(CAST(to_json(struct_pack(${members})) AS VARCHAR), 2)`;
  return `${own} || if(${own} = '{', '', ',') || ${added} AS line`;
}
