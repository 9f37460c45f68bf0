import type { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { present } from '../../base/assert.ts';
import { AsofError } from '../../base/errors.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { BulkDoor, BulkResult, BulkRows, UnreadRow } from '../../ingest/bulk-door.ts';
import { columnReader, readPosition } from '../../ingest/column-reader.ts';
import { joinColumns } from '../../ingest/column-slice.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { Column } from '../../schema/batch.ts';
import type { TableSource } from './table-source.ts';
import { CHANGES } from './unit-diff.ts';

/** Rows of one data chunk of the changes. */
interface Piece {
  readonly count: number;
  readonly weights: Float64Array;
  readonly partitions: Float64Array;
  readonly offsets: Float64Array;
  readonly eventTimes: Float64Array;
  readonly arrivals: Float64Array;
  readonly columns: readonly Column[];
  readonly bytes: number;
}

interface Slice {
  readonly piece: Piece;
  readonly from: number;
  readonly to: number;
}

/** Bytes of one chunk's rows, about: well below what a body may have. */
const CHUNK_BYTES = 16 * 1024 * 1024;

export interface TableRunOptions {
  readonly door: BulkDoor;
  readonly table: TableSource;
  /** Names the run for ever. */
  readonly run: string;
  readonly chunkRows: number;
  readonly signal: AbortSignal;
}

/** One run of a table through the bulk door: chunk after chunk, each counted. */
export class TableRun {
  readonly #door: BulkDoor;
  readonly #table: TableSource;
  readonly #run: string;
  readonly #chunkRows: number;
  readonly #signal: AbortSignal;
  #chunk = 0;
  /** The commit at which all that was taken is applied. */
  commit = 0;

  constructor(options: TableRunOptions) {
    this.#door = options.door;
    this.#table = options.table;
    this.#run = options.run;
    this.#chunkRows = options.chunkRows;
    this.#signal = options.signal;
  }

  /**
   * Begins with an empty chunk: a chunk of an earlier run that is still under way cannot be taken
   * as one of a run that the door has forgotten.
   */
  async begin(): Promise<void> {
    const columns = this.#table.source.columns.map(({ type }) => emptyColumn(type));
    await this.#take({ count: 0, columns, arrivalTimeMs: new Float64Array(0), retracts: null });
  }

  /** Appends the changes in their order. @throws AsofError `rows_lost` if the door took fewer */
  async send(
    session: DuckDbSession,
    expected: number,
    onRows: (rows: number) => void,
  ): Promise<void> {
    let slices: Slice[] = [];
    let rows = 0;
    let bytes = 0;
    let sent = 0;
    const flush = async (): Promise<void> => {
      if (rows === 0) return;
      await this.#take(bulkRows(slices, rows));
      sent += rows;
      onRows(rows);
      slices = [];
      rows = 0;
      bytes = 0;
    };
    for await (const piece of this.#pieces(session)) {
      if (bytes + piece.bytes > CHUNK_BYTES) await flush();
      bytes += piece.bytes;
      for (let from = 0; from < piece.count; ) {
        const to = Math.min(piece.count, from + this.#chunkRows - rows);
        slices.push({ piece, from, to });
        rows += to - from;
        from = to;
        if (rows === this.#chunkRows) await flush();
      }
    }
    await flush();
    if (sent !== expected) {
      throw new AsofError('rows_lost', `${sent} changes were sent, and ${expected} were found.`);
    }
  }

  /** Makes dead letters of rows that were refused before the door. */
  async refuse(rows: readonly UnreadRow[]): Promise<void> {
    const columns = this.#table.source.columns.map(({ type }) => emptyColumn(type));
    const arrivalTimeMs = new Float64Array(0);
    await this.#take({ count: 0, columns, arrivalTimeMs, retracts: null, unread: rows });
  }

  async finish(): Promise<void> {
    await this.#door.finish(this.#table.source.name, this.#run);
  }

  async *#pieces(session: DuckDbSession): AsyncGenerator<Piece, void, void> {
    const { columns, eventTime } = this.#table.source;
    const readers = columns.map(({ type }) => columnReader(type));
    const names = columns.map(({ name }) => sqlName(name));
    const sql = `SELECT __weight, __partition, __offset, ${sqlName(eventTime)} AS __event, __arrival,
      ${names.join(', ')} FROM ${CHANGES}`;
    for await (const chunk of session.chunks(sql)) yield pieceOf(chunk, readers);
  }

  async #take(rows: BulkRows): Promise<BulkResult> {
    this.#signal.throwIfAborted();
    const { name } = this.#table.source;
    this.#chunk += 1;
    const chunk = { source: name, run: this.#run, chunk: this.#chunk, rows };
    const result = await this.#door.take(chunk);
    const rejected = Object.values(result.rejected).reduce((sum, count) => sum + count, 0);
    if (rejected > 0 || result.accepted !== rows.count) {
      throw new AsofError(
        'rows_lost',
        `'${name}' sent ${rows.count} rows; ${result.accepted} were accepted, and refused were ${JSON.stringify(result.rejected)}.`,
        { path: `${this.#run}, chunk ${this.#chunk}` },
      );
    }
    this.commit = Math.max(this.commit, result.commit);
    return result;
  }
}

function pieceOf(
  chunk: DuckDBDataChunk,
  readers: readonly ReturnType<typeof columnReader>[],
): Piece {
  const count = chunk.rowCount;
  const vector = (index: number): bindings.Vector =>
    bindings.data_chunk_get_vector(chunk.chunk, index);
  const columns = readers.map((read, index) => read(vector(5 + index), count));
  return {
    count,
    weights: readPosition(vector(0), count),
    partitions: readPosition(vector(1), count),
    offsets: readPosition(vector(2), count),
    eventTimes: readPosition(vector(3), count),
    arrivals: readPosition(vector(4), count),
    columns,
    bytes: columns.reduce((sum, column) => sum + bytesOf(column), 40 * count),
  };
}

/** About: a character is taken for one byte. */
function bytesOf(column: Column): number {
  if (column.kind !== 'string') return column.values.byteLength;
  return column.values.reduce((sum, text) => sum + text.length, 4 * column.values.length);
}

function bulkRows(slices: readonly Slice[], count: number): BulkRows {
  const first = present(slices[0], 'a chunk has rows').piece;
  const join = (of: (piece: Piece) => Float64Array): Float64Array => {
    const joined = new Float64Array(count);
    let at = 0;
    for (const { piece, from, to } of slices) {
      joined.set(of(piece).subarray(from, to), at);
      at += to - from;
    }
    return joined;
  };
  const weights = Int8Array.from(join((piece) => piece.weights));
  const columns = first.columns.map((_, index) =>
    joinColumns(
      slices.map(({ piece, from, to }) => {
        const column = present(piece.columns[index], 'pieces have the same columns');
        return { column, from, to };
      }),
      count,
    ),
  );
  const retracts = {
    weights,
    partitions: Int32Array.from(join((piece) => piece.partitions)),
    offsets: join((piece) => piece.offsets),
    eventTimeMs: join((piece) => piece.eventTimes),
  };
  return {
    count,
    columns,
    arrivalTimeMs: join((piece) => piece.arrivals),
    retracts: weights.includes(-1) ? retracts : null,
  };
}

function emptyColumn(type: Column['type']): Column {
  if (type.kind === 'string') return { kind: 'string', type, values: [], valid: null };
  if (type.kind === 'bool') return { kind: 'bool', type, values: new Uint8Array(0), valid: null };
  if (type.kind === 'vector') {
    return { kind: 'vector', type, values: new Float32Array(0), valid: null };
  }
  return { kind: 'number', type, values: new Float64Array(0), wide: null, valid: null };
}
