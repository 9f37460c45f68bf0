import { closeSync, createReadStream, openSync, readSync, writeSync } from 'node:fs';
import { RecordBatch, RecordBatchReader } from 'apache-arrow';
import { sqlName, sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { FileSink, StreamSink } from '../write-arrow.ts';

/** Rows of a file by their places, from 0. */
export type GoneRowNumbers = ReadonlySet<number>;

const BLOCK_BYTES = 1 << 20;

/** Writes a training set's file once more without some of its rows; the others keep their bytes. */
export async function withoutRows(
  session: DuckDbSession,
  path: string,
  out: string,
  format: string,
  gone: GoneRowNumbers,
): Promise<void> {
  if (format === '.parquet') await parquetWithout(session, path, out, gone);
  else if (format === '.csv') copyRecords(path, out, gone, '"', 1);
  else if (format === '.arrow' || format === '.feather' || format === '.arrows') {
    await arrowWithout(path, out, gone, format === '.arrows');
  } else copyRecords(path, out, gone, null, 0);
}

async function parquetWithout(
  session: DuckDbSession,
  path: string,
  out: string,
  gone: GoneRowNumbers,
): Promise<void> {
  await session.run('CREATE OR REPLACE TEMP TABLE __gone_numbers (n BIGINT)');
  const numbers = [...gone];
  for (let from = 0; from < numbers.length; from += 10_000) {
    const values = numbers.slice(from, from + 10_000).map((n) => `(${n})`);
    await session.run(`INSERT INTO __gone_numbers VALUES ${values.join(', ')}`);
  }
  const pairs = await session.rows(
    `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${sqlString(path)})
     WHERE decode(key) <> 'ARROW:schema'`,
  );
  const metadata = pairs.map(
    ([name, text]) => `${sqlName(String(name))}: ${sqlString(String(text))}`,
  );
  const kept = metadata.length === 0 ? '' : `, KV_METADATA {${metadata.join(', ')}}`;
  await session.run(
    `COPY (SELECT * EXCLUDE (file_row_number)
       FROM read_parquet(${sqlString(path)}, file_row_number = true, hive_partitioning = false)
       WHERE file_row_number NOT IN (SELECT n FROM __gone_numbers) ORDER BY file_row_number)
     TO ${sqlString(out)} (FORMAT PARQUET, COMPRESSION SNAPPY${kept})`,
  );
  await session.run('DROP TABLE __gone_numbers');
}

/** Text a record at a time; within quotes a line end is part of a value. */
function copyRecords(
  path: string,
  out: string,
  gone: GoneRowNumbers,
  quote: string | null,
  headers: number,
): void {
  const from = openSync(path, 'r');
  const to = openSync(out, 'w');
  try {
    const mark = quote === null ? -1 : quote.charCodeAt(0);
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    let record = -headers;
    let isQuoted = false;
    for (let size = readSync(from, block); size > 0; size = readSync(from, block)) {
      let start = 0;
      for (let at = 0; at < size; at += 1) {
        const byte = block[at];
        if (byte === mark) isQuoted = !isQuoted;
        if (byte !== LINE_END || isQuoted) continue;
        if (!gone.has(record)) writeSync(to, block, start, at + 1 - start);
        start = at + 1;
        record += 1;
      }
      if (start < size && !gone.has(record)) writeSync(to, block, start, size - start);
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

const LINE_END = 0x0a;

/** A record batch at a time, in the stretches that stay. */
async function arrowWithout(
  path: string,
  out: string,
  gone: GoneRowNumbers,
  stream: boolean,
): Promise<void> {
  const reader = await RecordBatchReader.from(createReadStream(path));
  const to = openSync(out, 'w');
  try {
    const writer = stream ? new StreamSink(to) : new FileSink(to);
    let row = 0;
    await reader.open();
    writer.reset(undefined, reader.schema);
    for await (const batch of reader) {
      for (const [start, end] of stretches(batch.numRows, row, gone)) {
        const kept = batch.slice(start, end);
        if (kept instanceof RecordBatch) writer.write(kept);
      }
      row += batch.numRows;
    }
    writer.finish();
  } finally {
    closeSync(to);
  }
}

function stretches(rows: number, first: number, gone: GoneRowNumbers): [number, number][] {
  const found: [number, number][] = [];
  let start = 0;
  for (let at = 0; at <= rows; at += 1) {
    if (at < rows && !gone.has(first + at)) continue;
    if (at > start) found.push([start, at]);
    start = at + 1;
  }
  return found;
}
