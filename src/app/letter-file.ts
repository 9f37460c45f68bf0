import { renameSync, rmSync } from 'node:fs';
import { extname } from 'node:path';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';

const COLUMNS =
  `{id: 'VARCHAR', "arrivalTimeMs": 'BIGINT', code: 'VARCHAR', "column": 'VARCHAR', ` +
  `message: 'VARCHAR', readmitted: 'BOOLEAN', raw: 'VARCHAR', ` +
  `origin: 'STRUCT(connector VARCHAR, place VARCHAR)'}`;
const FIELDS =
  'id, "arrivalTimeMs", code, "column", message, readmitted, raw, ' +
  'origin.connector AS connector, origin.place AS place';
/** DuckDB takes memory for twice the longest line, for each thread. */
const LINE_BYTES = 1024 * 1024;

/** Writes exported dead letters, NDJSON, as CSV or Parquet; the file appears when it is whole. */
export async function convertLetters(
  config: Config,
  from: string,
  out: string,
  longestLineBytes: number,
): Promise<void> {
  const lineBytes = Math.max(LINE_BYTES, 2 * longestLineBytes);
  const session = await DuckDbSession.open(duckDbOptions(config));
  const aside = `${out}.tmp`;
  const format = extname(out) === '.csv' ? 'FORMAT csv, HEADER true' : 'FORMAT parquet';
  try {
    await session.run(
      `COPY (SELECT ${FIELDS} FROM read_json(${sqlString(from)}, format = 'newline_delimited', ` +
        `columns = ${COLUMNS}, maximum_object_size = ${lineBytes})) ` +
        `TO ${sqlString(aside)} (${format})`,
    );
    renameSync(aside, out);
  } finally {
    session.close();
    rmSync(aside, { force: true });
  }
}
