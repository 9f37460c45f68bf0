import type { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { assert, present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import type { Column, EventBatch, Retractions } from '../schema/batch.ts';
import type { ValueType } from '../schema/types.ts';
import type { Relation } from './archive-relation.ts';
import { columnOfCells } from './cell-columns.ts';
import { type ColumnReader, columnReader, readPosition } from './column-reader.ts';
import { joinColumns } from './column-slice.ts';

/** One decoded data chunk; position columns first, in the order of the offline relation. */
interface Rows {
  readonly commit: Float64Array;
  readonly partition: Float64Array;
  readonly offset: Float64Array;
  readonly eventTimeMs: Float64Array;
  readonly arrivalTimeMs: Float64Array;
  /** Null where the source has no changes. */
  readonly origins: Origins | null;
  readonly columns: readonly Column[];
}

/** The retraction columns. */
interface Origins {
  readonly weight: Float64Array;
  readonly partition: Float64Array;
  readonly offset: Float64Array;
}

/** Rows `from` to `to` of a decoded chunk, all of one commit. */
interface Piece {
  readonly rows: Rows;
  readonly from: number;
  readonly to: number;
}

const POSITION_COUNT = 5;
const RETRACTION_COUNT = 3;

/**
 * Makes the batches again from the offline relation's rows, which must come in the order of
 * (commit, offset), with every position and retraction column as BIGINT. A batch is whole when the next begins.
 */
export class BatchAssembler {
  readonly #source: string;
  readonly #readers: readonly ColumnReader[];
  readonly #weighted: boolean;
  readonly #types: readonly ValueType[];
  readonly #hasGaps: boolean;
  #pieces: Piece[] = [];
  #commit = 0;

  /** @param hasGaps rows may have been taken out on purpose: their places are filled with nulls */
  constructor(source: string, { columns, weighted }: Relation, hasGaps = false) {
    this.#source = source;
    this.#weighted = weighted;
    this.#types = columns.map(({ type }) => type);
    this.#hasGaps = hasGaps;
    this.#readers = columns.map(({ type }) => columnReader(type));
  }

  /** The batches that this chunk completes. */
  push(chunk: DuckDBDataChunk): EventBatch[] {
    const rows = this.#decode(chunk);
    const complete: EventBatch[] = [];
    const count = rows.commit.length;
    for (let from = 0; from < count; ) {
      const commit = rows.commit[from] as number;
      let to = from + 1;
      while (to < count && rows.commit[to] === commit) to += 1;
      if (commit !== this.#commit) {
        assert(commit > this.#commit, `archived rows run back to commit ${commit}`);
        complete.push(...this.finish());
        this.#commit = commit;
      }
      this.#pieces.push({ rows, from, to });
      from = to;
    }
    return complete;
  }

  /** The last batch, if there is one, at the end of the rows. */
  finish(): EventBatch[] {
    const pieces = this.#pieces;
    if (pieces.length === 0) return [];
    this.#pieces = [];
    return [this.#join(this.#hasGaps ? [...this.#filled(pieces)] : pieces)];
  }

  #decode(chunk: DuckDBDataChunk): Rows {
    const count = chunk.rowCount;
    const vector = (index: number): bindings.Vector =>
      bindings.data_chunk_get_vector(chunk.chunk, index);
    const position = (index: number): Float64Array => readPosition(vector(index), count);
    const before = POSITION_COUNT + (this.#weighted ? RETRACTION_COUNT : 0);
    return {
      commit: position(0),
      partition: position(1),
      offset: position(2),
      eventTimeMs: position(3),
      arrivalTimeMs: position(4),
      origins: this.#weighted
        ? { weight: position(5), partition: position(6), offset: position(7) }
        : null,
      columns: this.#readers.map((read, index) => read(vector(before + index), count)),
    };
  }

  #join(pieces: readonly Piece[]): EventBatch {
    const [first] = pieces;
    const { rows, from } = present(first, 'a batch has rows');
    const firstOffset = rows.offset[from] as number;
    let count = 0;
    for (const piece of pieces) {
      this.#checkDense(piece, firstOffset + count);
      count += piece.to - piece.from;
    }
    const retractions = joinRetractions(pieces, count);
    return {
      source: this.#source,
      partition: rows.partition[from] as number,
      firstOffset,
      commit: this.#commit,
      count,
      eventTimeMs: joinTimes(pieces, count, (piece) => piece.rows.eventTimeMs),
      arrivalTimeMs: joinTimes(pieces, count, (piece) => piece.rows.arrivalTimeMs),
      columns: rows.columns.map((_, index) =>
        joinColumns(
          pieces.map((piece) => ({
            column: present(piece.rows.columns[index], 'pieces have the same columns'),
            from: piece.from,
            to: piece.to,
          })),
          count,
        ),
      ),
      ...(retractions === null ? {} : { retractions }),
    };
  }

  /** The pieces with a row without any value wherever one was taken out: it belongs to no entity. */
  *#filled(pieces: readonly Piece[]): Generator<Piece> {
    let due = -1;
    for (const piece of pieces) {
      const { rows, to } = piece;
      for (let from = piece.from; from < to; ) {
        const offset = rows.offset[from] as number;
        if (due >= 0 && offset > due) yield this.#blank(rows, from, due, offset - due);
        let end = from + 1;
        while (end < to && rows.offset[end] === offset + end - from) end += 1;
        yield { rows, from, to: end };
        due = offset + end - from;
        from = end;
      }
    }
  }

  /** So many rows before one of the same commit, with its times. */
  #blank(rows: Rows, at: number, firstOffset: number, count: number): Piece {
    const same = (values: Float64Array): Float64Array =>
      new Float64Array(count).fill(values[at] as number);
    const partition = same(rows.partition);
    const offset = Float64Array.from({ length: count }, (_, i) => firstOffset + i);
    const weight = new Float64Array(count).fill(1);
    const blank = {
      commit: same(rows.commit),
      partition,
      offset,
      eventTimeMs: same(rows.eventTimeMs),
      arrivalTimeMs: same(rows.arrivalTimeMs),
      origins: rows.origins === null ? null : { weight, partition, offset },
      columns: this.#types.map((type) => columnOfCells(type, new Array(count).fill(null))),
    };
    return { rows: blank, from: 0, to: count };
  }

  /** A lost, doubled or disordered row must never pass for history. */
  #checkDense({ rows, from, to }: Piece, firstOffset: number): void {
    for (let i = from; i < to; i += 1) {
      if (rows.offset[i] === firstOffset + i - from) continue;
      throw new AsofError(
        'corrupt_archive',
        `The archive of '${this.#source}' has offset ${rows.offset[i]} where ` +
          `${firstOffset + i - from} is due, in commit ${this.#commit}.`,
      );
    }
  }
}

/** Null where no row takes an event back. */
function joinRetractions(pieces: readonly Piece[], count: number): Retractions | null {
  const weights = new Int8Array(count);
  const partitions = new Int32Array(count);
  const offsets = new Float64Array(count);
  let at = 0;
  for (const { rows, from, to } of pieces) {
    if (rows.origins === null) return null;
    weights.set(rows.origins.weight.subarray(from, to), at);
    partitions.set(rows.origins.partition.subarray(from, to), at);
    offsets.set(rows.origins.offset.subarray(from, to), at);
    at += to - from;
  }
  return weights.includes(-1) ? { weights, partitions, offsets } : null;
}

function joinTimes(
  pieces: readonly Piece[],
  count: number,
  timesOf: (piece: Piece) => Float64Array,
): Float64Array {
  const joined = new Float64Array(count);
  let at = 0;
  for (const piece of pieces) {
    joined.set(timesOf(piece).subarray(piece.from, piece.to), at);
    at += piece.to - piece.from;
  }
  return joined;
}
