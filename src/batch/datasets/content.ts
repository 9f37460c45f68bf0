import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../../ingest/duckdb-session.ts';

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
