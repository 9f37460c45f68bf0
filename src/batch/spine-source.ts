import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { sqlName, sqlString } from '../ingest/archive-relation.ts';
import type { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ServicePlan } from '../plan/plan.ts';
import { duckDbType } from '../schema/duckdb-type.ts';

/** Rows that are there to be read: a file, or a relation of the session. */
export type SpineRows = { readonly path: string } | { readonly relation: string };

export interface SpineColumn {
  readonly name: string;
  /** DuckDB's name of its type. */
  readonly type: string;
}

export interface ReadSource {
  /** The rows with their types, as the join needs them. */
  readonly relation: string;
  readonly columns: readonly SpineColumn[];
  /** The same rows as they are written in the file, where the output can keep that; else null. */
  readonly text: string | null;
  /** Of what that text is: a CSV file's cells, or the whole lines of an NDJSON file. */
  readonly kept: 'cells' | 'lines' | null;
}

export async function readSource(
  session: DuckDbSession,
  source: SpineRows,
  service: ServicePlan,
  time: string | null,
  out: string,
  keepIds = false,
): Promise<ReadSource> {
  if (!('path' in source)) {
    const columns = await describe(session, source.relation, source.relation);
    return { relation: source.relation, columns, text: null, kept: null };
  }
  const { path } = source;
  const sniffed = await describe(session, fileRelation(path), path);
  const texts = isCsv(path) ? textKeys(sniffed, service) : [];
  const relation = fileRelation(path, texts);
  if (await isUntyped(session, path, relation)) return untyped(sniffed, service, time, path);
  const columns = texts.length === 0 ? sniffed : await describe(session, relation, path);
  const read = { relation, columns };
  // A file's own text holds the ids.
  if (!keepIds && service.joinKeys.some(({ tokens }) => tokens !== undefined)) {
    return { ...read, text: null, kept: null };
  }
  if (isCsv(path) && isCsv(out)) {
    return { ...read, text: await csvText(session, path), kept: 'cells' };
  }
  if (isNdjson(path) && isNdjson(out)) {
    return { ...read, text: `read_ndjson_objects(${sqlString(path)})`, kept: 'lines' };
  }
  return { ...read, text: null, kept: null };
}

/** The rows as `v0`…, and where their text is kept, it as `c0`… or as `line`. */
export function fromSql({ relation, columns, text, kept }: ReadSource): string {
  const typed = columns.map(({ name }, index) => `${sqlName(name)} AS v${index}`).join(', ');
  const rows = `(SELECT ${typed} FROM ${relation})`;
  if (text === null) return rows;
  const names = kept === 'lines' ? 'line' : columns.map((_, index) => `c${index}`).join(', ');
  return `${text} AS own(${names}) POSITIONAL JOIN ${rows}`;
}

/** Without a row, CSV and NDJSON do not tell what their columns are. */
async function isUntyped(session: DuckDbSession, path: string, relation: string): Promise<boolean> {
  if (extname(path).toLowerCase() === '.parquet') return false;
  return (await session.rows(`SELECT 1 FROM ${relation} LIMIT 1`)).length === 0;
}

/** An empty spine whose keys, request fields and time are of the types that they should have. */
function untyped(
  sniffed: readonly SpineColumn[],
  service: ServicePlan,
  time: string | null,
  path: string,
): ReadSource {
  const timeName = time ?? 'event_time';
  const given = [...service.joinKeys, ...service.request];
  const names = isCsv(path)
    ? sniffed.map(({ name }) => name)
    : [...given.map(({ name }) => name), timeName];
  const columns = [...new Set(names)].map((name): SpineColumn => {
    const known = given.find((one) => one.name === name);
    if (name === timeName) return { name, type: 'TIMESTAMP' };
    if (known === undefined) return { name, type: 'VARCHAR' };
    const { type } = known;
    return { name, type: type.kind === 'decimal' ? `DECIMAL(18,${type.scale})` : duckDbType(type) };
  });
  const nulls = columns.map(({ name, type }) => `NULL::${type} AS ${sqlName(name)}`);
  return { relation: `(SELECT ${nulls.join(', ')} WHERE FALSE)`, columns, text: null, kept: null };
}

/** The cells of a CSV file as they are written, in the dialect in which it is read with types. */
async function csvText(session: DuckDbSession, path: string): Promise<string> {
  const file = sqlString(path);
  const [dialect = []] = await session.rows(
    `SELECT Delimiter, Quote, Escape, SkipRows FROM sniff_csv(${file}, header = true)`,
  );
  const [delimiter, quote, escaping] = dialect.map((one) =>
    sqlString(one === '(empty)' ? '' : String(one)),
  );
  return `read_csv(${file}, header = true, all_varchar = true, delim = ${delimiter},
    quote = ${quote}, escape = ${escaping}, skip = ${Number(dialect[3])})`;
}

export function fileRelation(path: string, texts: readonly string[] = []): string {
  if (!existsSync(path)) {
    throw new AsofError('file_not_found', `The spine '${path}' does not exist.`);
  }
  const file = sqlString(path);
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return `read_parquet(${file})`;
    case '.csv':
      return `read_csv(${file}, header = true${typesSql(texts)})`;
    case '.ndjson':
    case '.jsonl':
    case '.json':
      return `read_json(${file}, format = 'newline_delimited', sample_size = -1)`;
    default:
      throw new AsofError('unreadable_file', `The spine '${path}' is of no known format.`, {
        remedy: 'Name it .parquet, .csv or .ndjson.',
      });
  }
}

function isCsv(path: string): boolean {
  return extname(path).toLowerCase() === '.csv';
}

function isNdjson(path: string): boolean {
  return ['.ndjson', '.jsonl', '.json'].includes(extname(path).toLowerCase());
}

/**
 * In CSV a text may look like a number: '007' must stay what it is. And a decimal is read exactly
 * from its digits alone.
 */
function textKeys(columns: readonly SpineColumn[], service: ServicePlan): string[] {
  const texts = [...service.joinKeys, ...service.request].filter(
    ({ type }) => type.kind === 'string' || type.kind === 'decimal',
  );
  return texts
    .filter((one) => columns.some(({ name }) => name === one.name))
    .filter(
      (one) => one.type.kind === 'string' || service.request.some(({ name }) => name === one.name),
    )
    .map((key) => `${sqlString(key.name)}: 'VARCHAR'`);
}

function typesSql(texts: readonly string[]): string {
  return texts.length === 0 ? '' : `, types = {${texts.join(', ')}}`;
}

async function describe(
  session: DuckDbSession,
  relation: string,
  what: string,
): Promise<SpineColumn[]> {
  try {
    const rows = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
    return rows.map((row) => ({ name: String(row[0]), type: String(row[1]) }));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('unreadable_file', `The spine '${what}' could not be read: ${words}`, {
      cause,
    });
  }
}
