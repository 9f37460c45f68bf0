import type { Column, Retractions } from '../schema/batch.ts';
import { columnOfCells } from './cell-columns.ts';
import type { LogEntry } from './log.ts';
import type { CellValue } from './row-bytes.ts';
import type { RowChunk } from './row-chunk.ts';
import type { LoggedRow } from './row-store.ts';
import { cellsOf } from './source-rows.ts';

/** A row of the entry: an event of the chunk, or one that is taken back. */
interface EntryRow {
  readonly arrivalMs: number;
  readonly eventMs: number;
  /** -1 where an event is taken back. */
  readonly slot: number;
  readonly taken: LoggedRow | null;
  readonly sequence: bigint | null;
}

/** Gathers what one chunk of a change stream gives to one partition. */
export class ChangeEntry {
  readonly partition: number;
  readonly #chunk: RowChunk;
  readonly #firstOffset: number;
  readonly #layout: readonly number[];
  readonly #rows: EntryRow[] = [];
  #takes = false;
  /** Of the rows so far; -1 before the first. */
  newestArrivalMs = -1;

  constructor(chunk: RowChunk, partition: number, firstOffset: number, layout: readonly number[]) {
    this.#chunk = chunk;
    this.partition = partition;
    this.#firstOffset = firstOffset;
    this.#layout = layout;
  }

  /** Where the next row will be. */
  get nextOffset(): number {
    return this.#firstOffset + this.#rows.length;
  }

  add(slot: number, arrivalMs: number, eventMs: number): void {
    this.#push({ slot, arrivalMs, eventMs, taken: null, sequence: null });
  }

  takeBack(taken: LoggedRow, arrivalMs: number, sequence: bigint | null): void {
    this.#push({ slot: -1, arrivalMs, eventMs: taken.eventTimeMs, taken, sequence });
    this.#takes = true;
  }

  #push(row: EntryRow): void {
    this.#rows.push(row);
    this.newestArrivalMs = Math.max(this.newestArrivalMs, row.arrivalMs);
  }

  /** Null where there is nothing to log. */
  finish(): LogEntry | null {
    const rows = this.#rows;
    if (rows.length === 0) return null;
    const entry = {
      source: this.#chunk.schema.name,
      partition: this.partition,
      count: rows.length,
      eventTimeMs: Float64Array.from(rows, ({ eventMs }) => eventMs),
      arrivalTimeMs: Float64Array.from(rows, ({ arrivalMs }) => arrivalMs),
    };
    if (!this.#takes) {
      return { ...entry, columns: this.#chunk.gather(Int32Array.from(rows, ({ slot }) => slot)) };
    }
    return { ...entry, columns: this.#columns(), retractions: this.#retractions() };
  }

  #columns(): Column[] {
    const { columns } = this.#chunk.schema;
    const held = this.#rows.map(({ taken }) => {
      return taken === null ? null : cellsOf(taken.bytes, columns.length);
    });
    return columns.map(({ type }, index) => {
      const at = this.#layout.indexOf(index);
      const cells = this.#rows.map(({ slot }, row): CellValue => {
        const own = held[row] ?? null;
        return own === null ? this.#chunk.cellAt(index, slot) : (own[at] ?? null);
      });
      return columnOfCells(type, cells);
    });
  }

  #retractions(): Retractions {
    const rows = this.#rows;
    const weights = Int8Array.from(rows, ({ taken }) => (taken === null ? 1 : -1));
    const partitions = Int32Array.from(rows, ({ taken }) => taken?.partition ?? this.partition);
    const offsets = Float64Array.from(
      rows,
      ({ taken }, row) => taken?.offset ?? this.#firstOffset + row,
    );
    const sequences = rows.some(({ sequence }) => sequence !== null)
      ? BigInt64Array.from(rows, ({ sequence }) => sequence ?? 0n)
      : null;
    const taking = { weights, partitions, offsets };
    return sequences === null ? taking : { ...taking, sequences };
  }
}
