import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';

/** A training set's file as a relation. Cells of text formats are what is written there. */
export function outputRelation(path: string): string {
  const file = sqlString(path);
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return `read_parquet(${file}, hive_partitioning = false)`;
    case '.csv':
      return `read_csv(${file}, header = true, all_varchar = true, allow_quoted_nulls = false)`;
    default:
      return `read_ndjson_objects(${file})`;
  }
}

/** A relation in which numbers are numbers again, for statistics. */
export function typedRelation(path: string): string {
  const file = sqlString(path);
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return outputRelation(path);
    case '.csv':
      return `read_csv(${file}, header = true, sample_size = -1)`;
    default:
      return `read_json(${file}, format = 'newline_delimited', sample_size = -1)`;
  }
}

/**
 * A checksum of a relation's values in their order: each row's number and cells as text go through
 * MD5, and the rows are combined by exclusive or, so that no order of computing matters. Another
 * writer of the same values, such as another release of DuckDB, gives the same checksum.
 */
export async function contentChecksum(
  session: DuckDbSession,
  relation: string,
  options: RunOptions = {},
): Promise<string> {
  const described = await session.rows(`DESCRIBE SELECT * FROM ${relation}`);
  const cells = described.map((row) => {
    const [name, type] = [sqlName(String(row[0])), String(row[1])];
    const text = /[[(]/.test(type) && !type.startsWith('DECIMAL') ? `to_json(${name})` : name;
    const cell = `CAST(${text} AS VARCHAR)`;
    // A length before each cell, so that no two rows are written alike.
    return `if(${name} IS NULL, '-', length(${cell}) || ':' || ${cell})`;
  });
  const names = described.map((row) => String(row[0]));
  const result = await session.run(
    `SELECT count(*), CAST(bit_xor(md5_number(concat(n, '|', ${cells.join(', ')}))) AS VARCHAR)
     FROM (SELECT row_number() OVER () AS n, * FROM ${relation})`,
    options,
  );
  const [[rows, mixed] = []] = await result.getRows();
  return createHash('sha256')
    .update(JSON.stringify([names, String(rows), mixed]))
    .digest('hex');
}

/** SHA-256 of a file's bytes, and how many there are. */
export async function fileChecksum(
  path: string,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    if (!(chunk instanceof Uint8Array)) continue;
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { sha256: hash.digest('hex'), bytes };
}
