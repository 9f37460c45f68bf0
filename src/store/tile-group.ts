import { createTable } from '../aggregate/create-table.ts';
import type { TileSpec } from '../aggregate/spec.ts';
import type { WindowTable } from '../aggregate/window-table.ts';
import { assert } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { ExpiryCalendar } from './expiry-calendar.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { GroupStore } from './online-store.ts';
import { RowSet } from './row-set.ts';
import { idleMs, reachMs } from './window-reach.ts';

/** A row that did not expire when it was due is looked at again after this part of the reach. */
const RECHECK_PART = 16;

/** The hot state of one tile group: its tiles, whose they are, and which rows changed. */
export class TileGroup implements GroupStore {
  readonly id: string;
  readonly table: WindowTable;
  readonly keys: KeyDirectory;
  /** Longest time after its event that an event can count; Infinity for lifetimes and sessions. */
  readonly reachMs: number;
  /** Rows that differ from the last checkpoint; one that is no longer live has been evicted. */
  readonly changed = new RowSet();
  /** Rows that were given up since the last checkpoint, and may have been taken into use again. */
  removed: number[] = [];
  /** Called before a row is given up, while a checkpoint may still need its content. */
  beforeRemove: ((row: number) => void) | null = null;
  /** Row by key id and key id by row, -1 where there is none. Hot loops read them directly. */
  rowOfId = new Int32Array(0);
  #idOfRow = new Int32Array(0);
  /** By row: the newest applied arrival when the row was last marked as changed. */
  #touchedMs = new Float64Array(0);
  /** How long after its last event a row expires; Infinity where it never does. */
  readonly #idleMs: number;
  readonly #calendar: ExpiryCalendar | null;
  #nowMs = 0;
  #liveRows = 0;

  constructor(id: string, spec: TileSpec, keys: KeyDirectory) {
    this.id = id;
    this.table = createTable(spec);
    this.keys = keys;
    this.reachMs = reachMs(spec.windows);
    this.#idleMs = idleMs(spec);
    this.#calendar = Number.isFinite(this.#idleMs) ? new ExpiryCalendar(this.#idleMs) : null;
  }

  /** Keys with state. */
  get liveRows(): number {
    return this.#liveRows;
  }

  find(key: string): number {
    const id = this.keys.find(key);
    return id < 0 || id >= this.rowOfId.length ? -1 : (this.rowOfId[id] as number);
  }

  isLive(row: number): boolean {
    return (this.#idOfRow[row] ?? -1) >= 0;
  }

  keyOf(row: number): string {
    return this.keys.keyOf(this.#idOfRow[row] ?? -1);
  }

  /** Time as the newest applied arrival tells it; rows are touched and expire by it. */
  advanceTo(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    this.table.advanceTo(this.#nowMs);
  }

  /** Makes room for key ids below `bound` and says where they have their rows. */
  coverIds(bound: number): Int32Array {
    if (bound > this.rowOfId.length) {
      const grown = new Int32Array(Math.max(bound, this.rowOfId.length * 2, 256)).fill(-1);
      grown.set(this.rowOfId);
      this.rowOfId = grown;
    }
    return this.rowOfId;
  }

  /** A new row for a key id that has none. */
  create(id: number): number {
    const row = this.table.createRow();
    this.#adopt(row, id, this.#nowMs);
    return row;
  }

  markChanged(row: number): void {
    if (this.changed.has(row)) return;
    this.changed.add(row);
    this.#touchedMs[row] = this.#nowMs;
  }

  /** Gives up at most `limit` rows that no window can reach; answers how many it looked at. */
  evict(limit: number, evicted: () => void): number {
    const calendar = this.#calendar;
    if (calendar === null) return 0;
    let looked = 0;
    while (looked < limit) {
      const row = calendar.due(this.#nowMs);
      if (row < 0) break;
      looked += 1;
      if (this.table.isExpired(row)) {
        this.#remove(row);
        evicted();
      } else this.#schedule(row, this.#nowMs + this.#idleMs / RECHECK_PART);
    }
    return looked;
  }

  /** One live row as a checkpoint holds it. */
  encodeRow(row: number, writer: ByteWriter): void {
    writer.string(this.keyOf(row));
    writer.varint(this.#touchedMs[row] ?? 0);
    this.table.encodeRow(row, writer);
  }

  /** Puts back a row that `encodeRow` wrote, under its own number; numbers come in ascending. */
  decodeRow(row: number, holes: number[], reader: ByteReader): void {
    const key = reader.string();
    const touchedMs = reader.varint();
    let created = this.table.createRow();
    while (created < row) {
      holes.push(created);
      created = this.table.createRow();
    }
    assert(created === row, 'rows of a new table are numbered from 0');
    this.table.decodeRow(row, reader);
    const known = this.keys.find(key);
    const id = known < 0 ? this.keys.add(key) : known;
    this.coverIds(id + 1);
    assert(this.rowOfId[id] === -1, 'a key has one row');
    this.#adopt(row, id, touchedMs);
  }

  #adopt(row: number, id: number, touchedMs: number): void {
    this.#coverRow(row);
    this.#idOfRow[row] = id;
    this.rowOfId[id] = row;
    this.#touchedMs[row] = touchedMs;
    this.keys.use(id);
    this.#liveRows += 1;
    this.#schedule(row, 0);
  }

  #schedule(row: number, earliestMs: number): void {
    const dueMs = Math.max((this.#touchedMs[row] ?? 0) + this.#idleMs, earliestMs);
    this.#calendar?.add(row, dueMs, this.#nowMs);
  }

  #remove(row: number): void {
    this.beforeRemove?.(row);
    const id = this.#idOfRow[row] ?? -1;
    assert(id >= 0, 'only a live row is removed');
    this.changed.add(row);
    this.removed.push(row);
    this.#idOfRow[row] = -1;
    this.rowOfId[id] = -1;
    this.#liveRows -= 1;
    this.keys.release(id);
    this.table.freeRow(row);
  }

  #coverRow(row: number): void {
    this.changed.cover(row + 1);
    if (row < this.#idOfRow.length) return;
    const size = Math.max(row + 1, this.#idOfRow.length * 2, 256);
    const ids = new Int32Array(size).fill(-1);
    ids.set(this.#idOfRow);
    this.#idOfRow = ids;
    const touchedMs = new Float64Array(size);
    touchedMs.set(this.#touchedMs);
    this.#touchedMs = touchedMs;
  }
}
