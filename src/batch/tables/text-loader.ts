import { type DuckDBAppender, DuckDBDataChunk, type DuckDBType, VARCHAR } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { CHUNK_ROWS } from '../../ingest/chunk-memory.ts';
import { duckDbError } from '../../ingest/duckdb-error.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { TextSink } from '../../ingest/text-sink.ts';

const TYPE = { kind: 'string' } as const;

/** Appends rows of text to a table of VARCHAR columns, a data chunk at a time. */
export class TextLoader {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #vectors: readonly bindings.Vector[];
  readonly #sinks: readonly TextSink[];
  readonly #texts: string[][];
  readonly #valid: Uint8Array[];
  #filled = 0;
  #isEnded = false;

  private constructor(appender: DuckDBAppender, columns: number) {
    const each = Array.from({ length: columns });
    this.#appender = appender;
    this.#chunk = DuckDBDataChunk.create(each.map((): DuckDBType => VARCHAR));
    this.#sinks = each.map(() => new TextSink());
    this.#texts = each.map(() => []);
    this.#valid = each.map(() => new Uint8Array(CHUNK_ROWS));
    this.#vectors = this.#sinks.map((_, i) => bindings.data_chunk_get_vector(this.#chunk.chunk, i));
  }

  static async open(session: DuckDbSession, table: string, columns: number): Promise<TextLoader> {
    try {
      return new TextLoader(await session.connection.createAppender(table), columns);
    } catch (cause) {
      throw duckDbError(cause, `append to ${table}`);
    }
  }

  append(row: readonly (string | null)[]): void {
    for (let i = 0; i < this.#texts.length; i += 1) {
      const text = row[i] ?? null;
      this.#texts[i]?.push(text ?? '');
      const valid = this.#valid[i];
      if (valid !== undefined) valid[this.#filled] = text === null ? 0 : 1;
    }
    this.#filled += 1;
    if (this.#filled === CHUNK_ROWS) this.#flush();
  }

  #flush(): void {
    const count = this.#filled;
    if (count === 0) return;
    try {
      bindings.data_chunk_reset(this.#chunk.chunk);
      bindings.data_chunk_set_size(this.#chunk.chunk, count);
      for (const [i, sink] of this.#sinks.entries()) {
        const [values, valid, vector] = [this.#texts[i], this.#valid[i], this.#vectors[i]];
        if (values === undefined || valid === undefined || vector === undefined) continue;
        sink.append({ kind: 'string', type: TYPE, values, valid }, 0, 0, count);
        sink.flush(vector, count);
        this.#texts[i] = [];
      }
      this.#appender.appendDataChunk(this.#chunk);
    } catch (cause) {
      throw duckDbError(cause, 'append a data chunk');
    }
    this.#filled = 0;
  }

  /** Makes all rows visible in the table and ends the loader. */
  close(): void {
    this.#flush();
    this.#end();
  }

  /** Ends the loader, dropping what is not visible yet; harmless after `close`. */
  abandon(): void {
    if (this.#isEnded) return;
    this.#appender.clear();
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.#appender.closeSync();
  }
}
