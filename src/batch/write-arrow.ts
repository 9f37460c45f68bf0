import { closeSync, openSync, writeSync } from 'node:fs';
import bindings from '@duckdb/node-bindings';
import {
  Field,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
} from 'apache-arrow';
import { present } from '../base/assert.ts';
import { LIMITS } from '../base/limits.ts';
import { sqlName } from '../ingest/archive-relation.ts';
import type { DuckDbSession, RunOptions } from '../ingest/duckdb-session.ts';
import { arrowColumn } from './arrow/arrow-type.ts';

export interface ArrowFile {
  readonly path: string;
  /** The format of streams, which has no directory at its end; else that of files. */
  readonly stream: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a relation as Arrow IPC, a record batch at a time: memory is bounded by one batch, and the
 * bytes depend on nothing but the rows. Types that Arrow has no equal of are written as their text.
 */
export async function writeArrow(
  session: DuckDbSession,
  relation: string,
  { path, stream, metadata }: ArrowFile,
  { signal }: RunOptions,
): Promise<void> {
  const probe = await session.run(`SELECT * FROM ${relation} LIMIT 0`);
  const names = probe.columnNames();
  const found = probe.columnTypes().map((type) => arrowColumn(type));
  const select = names.map((name, at) =>
    found[at] === null ? `CAST(${sqlName(name)} AS VARCHAR) AS ${sqlName(name)}` : sqlName(name),
  );
  const asked = `SELECT ${select.join(', ')} FROM ${relation}`;
  const types = (await session.run(`${asked} LIMIT 0`)).columnTypes();
  const columns = types.map((type) => present(arrowColumn(type), 'text has an Arrow type'));
  const schema = new Schema(
    columns.map(({ type }, at) => new Field(names[at] ?? '', type, true)),
    new Map(Object.entries(metadata)),
  );
  const builders = columns.map(({ builder }) => builder());
  const file = openSync(path, 'w');
  try {
    const writer = stream ? new StreamSink(file) : new FileSink(file);
    writer.reset(undefined, schema);
    let filled = 0;
    const flush = (): void => {
      const data = makeData({
        type: new Struct(schema.fields),
        length: filled,
        children: builders.map((builder) => builder.take()),
      });
      writer.write(new RecordBatch(schema, data));
      filled = 0;
    };
    for await (const chunk of session.chunks(asked)) {
      signal?.throwIfAborted();
      for (let from = 0; from < chunk.rowCount; ) {
        const count = Math.min(chunk.rowCount - from, LIMITS.arrowBatchRows - filled);
        for (const [at, builder] of builders.entries()) {
          builder.append(bindings.data_chunk_get_vector(chunk.chunk, at), from, count);
        }
        from += count;
        filled += count;
        if (filled === LIMITS.arrowBatchRows) flush();
      }
    }
    if (filled > 0) flush();
    writer.finish();
  } finally {
    closeSync(file);
  }
}

/** The package's own sink keeps what nobody has read yet; these write it at once. */
function writeAll(file: number, chunk: ArrayBufferView | null | undefined): number {
  if (chunk === null || chunk === undefined) return 0;
  const { buffer, byteOffset, byteLength } = chunk;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  for (let done = 0; done < byteLength; ) done += writeSync(file, bytes, done);
  return byteLength;
}

/** The format of files, written to one that is open. */
export class FileSink extends RecordBatchFileWriter {
  readonly #file: number;

  constructor(file: number) {
    super();
    this.#file = file;
  }

  protected override _write(chunk: Uint8Array): this {
    if (this._started) this._position += writeAll(this.#file, chunk);
    return this;
  }
}

/** The format of streams, likewise. */
export class StreamSink extends RecordBatchStreamWriter {
  readonly #file: number;

  constructor(file: number) {
    super();
    this.#file = file;
  }

  protected override _write(chunk: Uint8Array): this {
    if (this._started) this._position += writeAll(this.#file, chunk);
    return this;
  }
}
