import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { csvRows } from '../tables/csv-rows.ts';
import { listFileUnits, lookAgain } from '../tables/file-units.ts';
import { ndjsonRows } from '../tables/ndjson-rows.ts';
import { parquetRows } from '../tables/parquet-rows.ts';
import { isRemote, RemoteFiles } from '../tables/remote-files.ts';
import type { FilesFrom, UpstreamFile } from '../tables/upstream-file.ts';
import { rowAsJson, type UpstreamRows } from '../tables/upstream-rows.ts';
import type { FoundColumn } from '../tables/upstream-schema.ts';

/** What an import reads: files and folders, or one query of DuckDB's. */
export type ImportInput =
  | { readonly kind: 'files'; readonly root: string; readonly paths: readonly string[] }
  | { readonly kind: 'query'; readonly sql: string };

/** One part of the input; `unchanged` is asked after it was read. */
export interface ImportPart {
  readonly rows: UpstreamRows;
  readonly unchanged: () => boolean;
}

const FORMATS: Readonly<Record<string, FilesFrom['format']>> = {
  ...{ '.parquet': 'parquet', '.pq': 'parquet', '.csv': 'csv', '.tsv': 'csv', '.txt': 'csv' },
  ...{ '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.json': 'ndjson' },
};

/**
 * The parts of the input, opened one by one as they are asked for.
 * @throws AsofError `file_not_found`, `unreadable_file`, `upstream_schema`
 */
export async function* importParts(
  session: DuckDbSession,
  input: ImportInput,
  wanted: readonly string[],
  timeZone: string,
): AsyncGenerator<ImportPart, void, void> {
  if (input.kind === 'query') {
    yield { rows: await queryRows(session, input.sql), unchanged: () => true };
    return;
  }
  for (const path of input.paths) {
    for (const { file, from } of await filesOf(session, path, input.root, timeZone)) {
      const rows = await fileRows(session, file, from, wanted);
      yield { rows, unchanged: () => lookAgain(file)?.print === file.print };
    }
  }
}

async function filesOf(
  session: DuckDbSession,
  path: string,
  root: string,
  timeZone: string,
): Promise<{ file: UpstreamFile; from: FilesFrom }[]> {
  const known = FORMATS[extname(path.replace(/\.gz$/i, '')).toLowerCase()];
  const formats = known === undefined ? (['parquet', 'csv', 'ndjson'] as const) : [known];
  if (!isRemote(path) && !existsSync(path) && !/[*?[\]{}]/.test(path)) {
    throw new AsofError('file_not_found', `'${path}' does not exist.`, { path });
  }
  const found: { file: UpstreamFile; from: FilesFrom }[] = [];
  for (const format of formats) {
    const from: FilesFrom = {
      ...{ kind: 'files', format, paths: [path], hive: [], delimiter: null, nullText: null },
      timeZone,
    };
    const remote = new RemoteFiles({ session, extensions: null, settings: [] });
    const units = await listFileUnits({ root, from, unitBy: null, remote });
    found.push(...units.flatMap(({ files }) => files.map((file) => ({ file, from }))));
  }
  if (found.length > 0) return found;
  throw new AsofError('file_not_found', `No Parquet, CSV or NDJSON file is at '${path}'.`, {
    path,
  });
}

function fileRows(
  session: DuckDbSession,
  file: UpstreamFile,
  from: FilesFrom,
  wanted: readonly string[],
): Promise<UpstreamRows> {
  if (from.format === 'parquet') return parquetRows(session, file);
  return from.format === 'csv' ? csvRows(session, file, from) : ndjsonRows(session, file, wanted);
}

async function queryRows(session: DuckDbSession, sql: string): Promise<UpstreamRows> {
  const query = sql.trim().replace(/;\s*$/, '');
  let described: unknown[][];
  try {
    described = await session.rows(`DESCRIBE SELECT * FROM (${query})`);
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('bad_request', `The query cannot be read: ${words}`, {
      path: '--query',
      cause,
    });
  }
  const found = described.map((row): FoundColumn => {
    return { name: String(row[0]), form: { kind: 'typed', type: String(row[1]) } };
  });
  const cells = found.map(({ name }) => sqlName(name));
  return {
    what: 'query',
    relation: `(SELECT ${cells.join(', ')}, row_number() OVER () AS __row FROM (${query}))`,
    found,
    rowChecks: [],
    raw: rowAsJson(found),
    placeOf: (row) => `query#${row}`,
    expectedRows: null,
    refused: async () => [],
    has: async () => true,
  };
}
