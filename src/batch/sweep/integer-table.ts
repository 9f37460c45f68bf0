import { type DuckDBAppender, DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';

const CHUNK_ROWS = bindings.vector_size();

/** Appends rows of safe integers to a table of BIGINT columns. */
export class IntegerTable {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #columns: readonly BigInt64Array<ArrayBuffer>[];
  #filled = 0;

  private constructor(appender: DuckDBAppender) {
    this.#appender = appender;
    const { columnCount } = appender;
    const types = Array.from({ length: columnCount }, (_, at) => appender.columnType(at));
    this.#chunk = DuckDBDataChunk.create(types);
    this.#columns = types.map(() => new BigInt64Array(CHUNK_ROWS));
  }

  static async create(
    session: DuckDbSession,
    table: string,
    columns: readonly string[],
  ): Promise<IntegerTable> {
    const own = columns.map((name) => `${name} BIGINT`).join(', ');
    await session.run(`CREATE OR REPLACE TABLE ${table} (${own})`);
    return new IntegerTable(await session.connection.createAppender(table));
  }

  append(...values: readonly number[]): void {
    for (let at = 0; at < this.#columns.length; at++) {
      const column = this.#columns[at] as BigInt64Array;
      column[this.#filled] = BigInt(values[at] as number);
    }
    this.#filled += 1;
    if (this.#filled === CHUNK_ROWS) this.#flush();
  }

  close(): void {
    this.#flush();
    this.#appender.closeSync();
  }

  #flush(): void {
    const count = this.#filled;
    if (count === 0) return;
    bindings.data_chunk_reset(this.#chunk.chunk);
    bindings.data_chunk_set_size(this.#chunk.chunk, count);
    for (const [at, column] of this.#columns.entries()) {
      const vector = bindings.data_chunk_get_vector(this.#chunk.chunk, at);
      bindings.copy_data_to_vector(vector, 0, column.buffer, 0, count * 8);
    }
    this.#appender.appendDataChunk(this.#chunk);
    this.#filled = 0;
  }
}
