import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { isCompressed } from './csv-rows.ts';
import { hiveCells } from './hive-cells.ts';
import { unreadable } from './parquet-rows.ts';
import { endsWithin, linesSql, openEnd, rejectTables, takeRefused } from './text-lines.ts';
import type { UpstreamFile } from './upstream-file.ts';
import { lineAmong, type UpstreamRows } from './upstream-rows.ts';
import type { FoundColumn } from './upstream-schema.ts';

/** Lines in which fields are looked for that no column takes. */
const SAMPLED_LINES = 1_000;

/**
 * The lines of an NDJSON file; empty ones are none. Every wanted name counts as found: whether a
 * line has it is seen line by line, and `has` says whether any does.
 */
export async function ndjsonRows(
  session: DuckDbSession,
  file: UpstreamFile,
  wanted: readonly string[],
): Promise<UpstreamRows> {
  const keys = await sampledKeys(session, file);
  const hive = hiveCells(file);
  const fields = wanted.filter((name) => !file.hive.has(name));
  const others = keys.filter((name) => !wanted.includes(name) && !file.hive.has(name));
  const json = (name: string): FoundColumn => ({ name, form: { kind: 'json' } });
  const rejects = rejectTables();
  const documents = (source: string): string =>
    `SELECT *, TRY_CAST(line AS JSON) AS __doc
     FROM (SELECT line, row_number() OVER () AS __row FROM ${source}) WHERE trim(line) <> ''`;
  const cells = fields.map((name) => `${cellSql(name)} AS ${sqlName(name)}`);
  const select = [...cells, ...hive.select, '__row', '__doc', 'line AS __line'];
  return {
    what: file.name,
    relation: `(SELECT ${select.join(', ')} FROM (${documents(linesSql(file.path, rejects))}))`,
    found: [...fields.map(json), ...others.map(json), ...hive.found],
    rowChecks: [
      { code: 'malformed_json', message: 'The line is not JSON.', sql: '__doc IS NULL' },
      {
        code: 'not_an_object',
        message: 'The line is not a JSON object.',
        sql: `json_type(__doc) <> 'OBJECT'`,
      },
    ],
    raw: '__line',
    placeOf: (row, refused) => `${file.name}:${lineAmong(row, refused)}`,
    expectedRows: null,
    refused: async () => {
      const refused = await takeRefused(session, rejects);
      const end = isCompressed(file) || file.changedMs === null ? null : openEnd(file.path);
      if (end !== null && end.trim() !== '' && !isJson(end)) throw endsWithin(file.name);
      return refused;
    },
    has: async (name) => {
      const again = rejectTables();
      const [row] = await session.rows(
        `SELECT count(*) FROM (${documents(linesSql(file.path, again))})
         WHERE json_exists(__doc, ${pathSql(name)})`,
      );
      await takeRefused(session, again);
      return Number(row?.[0] ?? 0) > 0;
    },
  };
}

/** JSON's null is null; a field that is missing is, too. */
function cellSql(name: string): string {
  const cell = `json_extract(__doc, ${pathSql(name)})`;
  return `CASE WHEN json_type(${cell}) <> 'NULL' THEN ${cell} END`;
}

function pathSql(name: string): string {
  return sqlString(`$."${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
}

async function sampledKeys(session: DuckDbSession, file: UpstreamFile): Promise<string[]> {
  const rejects = rejectTables();
  try {
    const rows = await session.rows(
      `SELECT DISTINCT unnest(json_keys(doc)) FROM (
         SELECT TRY_CAST(line AS JSON) AS doc
         FROM (SELECT line FROM ${linesSql(file.path, rejects)} LIMIT ${SAMPLED_LINES}))
       WHERE json_type(doc) = 'OBJECT'`,
    );
    await takeRefused(session, rejects);
    return rows.map(([name]) => String(name)).sort();
  } catch (cause) {
    throw unreadable(file.name, cause);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
