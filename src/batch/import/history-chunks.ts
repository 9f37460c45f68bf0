import type { DuckDBDataChunk } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { LIMITS } from '../../base/limits.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { BulkRows } from '../../ingest/bulk-door.ts';
import { columnOfCells } from '../../ingest/cell-columns.ts';
import { columnReader, readPosition } from '../../ingest/column-reader.ts';
import { type ColumnSlice, joinColumns } from '../../ingest/column-slice.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { SourceSchema } from '../../schema/types.ts';

import { LEFT } from './left-rows.ts';
import { chunksOf, HISTORY } from './staged-history.ts';

/** Chunks that one query reads. */
const CHUNKS_AT_ONCE = 16;
const NO_ARRIVAL = -1;

interface Piece {
  readonly numbers: Float64Array;
  readonly arrivals: Float64Array;
  readonly columns: ColumnSlice['column'][];
}

/** The rows to send, chunk by chunk from the one after `taken`; one that is empty is a chunk too. */
export async function* historyChunks(
  session: DuckDbSession,
  source: SourceSchema,
  rows: number,
  taken: number,
): AsyncGenerator<{ readonly chunk: number; readonly rows: BulkRows }, void, void> {
  const last = chunksOf(rows);
  for (let from = taken; from < last; from += CHUNKS_AT_ONCE) {
    const to = Math.min(last, from + CHUNKS_AT_ONCE);
    const pieces = await readPieces(session, source, from * LIMITS.bulkRows, to * LIMITS.bulkRows);
    for (let chunk = from + 1; chunk <= to; chunk++) {
      const first = (chunk - 1) * LIMITS.bulkRows;
      yield { chunk, rows: cut(source, pieces, first, first + LIMITS.bulkRows) };
    }
  }
}

async function readPieces(
  session: DuckDbSession,
  { columns }: SourceSchema,
  after: number,
  through: number,
): Promise<Piece[]> {
  const range = `__n > ${after} AND __n <= ${through}`;
  const names = columns.map(({ name }) => sqlName(name));
  const sql = `SELECT __n, coalesce(__arrival, ${NO_ARRIVAL}), ${names.join(', ')} FROM ${HISTORY}
    WHERE ${range} AND __n NOT IN (SELECT __n FROM ${LEFT} WHERE ${range}) ORDER BY __n`;
  const readers = columns.map(({ type }) => columnReader(type));
  const pieces: Piece[] = [];
  for await (const chunk of session.chunks(sql)) pieces.push(pieceOf(chunk, readers));
  return pieces;
}

function pieceOf(
  chunk: DuckDBDataChunk,
  readers: readonly ReturnType<typeof columnReader>[],
): Piece {
  const count = chunk.rowCount;
  const vector = (index: number): bindings.Vector =>
    bindings.data_chunk_get_vector(chunk.chunk, index);
  return {
    numbers: readPosition(vector(0), count),
    arrivals: readPosition(vector(1), count),
    columns: readers.map((read, index) => read(vector(2 + index), count)),
  };
}

/** The rows of numbers beyond `after` up to `through`, from pieces in their order. */
function cut(
  { columns }: SourceSchema,
  pieces: readonly Piece[],
  after: number,
  through: number,
): BulkRows {
  const parts = pieces.flatMap((piece) => {
    const from = firstBeyond(piece.numbers, after);
    const to = firstBeyond(piece.numbers, through);
    return from < to ? [{ piece, from, to }] : [];
  });
  const count = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  const arrivalTimeMs = new Float64Array(count);
  let at = 0;
  for (const { piece, from, to } of parts) {
    for (let i = from; i < to; i++) {
      const ms = piece.arrivals[i] as number;
      arrivalTimeMs[at++] = ms === NO_ARRIVAL ? Number.NaN : ms;
    }
  }
  return {
    count,
    columns: columns.map(({ type }, index) => {
      const slices = parts.flatMap(({ piece, from, to }) => {
        const column = piece.columns[index];
        return column === undefined ? [] : [{ column, from, to }];
      });
      return slices.length === 0 ? columnOfCells(type, []) : joinColumns(slices, count);
    }),
    arrivalTimeMs,
    retracts: null,
  };
}

function firstBeyond(numbers: Float64Array, bound: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
