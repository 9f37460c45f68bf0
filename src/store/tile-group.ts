import { createTable } from '../aggregate/create-table.ts';
import type { TileSpec } from '../aggregate/spec.ts';
import type { WindowTable } from '../aggregate/window-table.ts';
import { assert, present } from '../base/assert.ts';
import type { ByteWriter } from '../base/bytes.ts';
import type { ChangedRows } from './changed-rows.ts';
import type { KeyDirectory } from './key-directory.ts';
import { keyHash } from './key-hash.ts';
import type { GroupStore, OriginReader } from './online-store.ts';
import { RowExpiry } from './row-expiry.ts';
import { RowSet } from './row-set.ts';
import { RowWatch } from './row-watch.ts';
import { sampleRows } from './sample-rows.ts';
import { NOWHERE, SavedPlaces } from './saved-places.ts';
import type { SavedRows } from './saved-rows.ts';
import { idleMs, reachMs } from './window-reach.ts';

/**
 * The state of one tile group: the rows in memory, whose they are and which have changed, and those
 * that lie on disk only, which come into memory when somebody reads them or an event is theirs.
 */
export class TileGroup implements GroupStore {
  readonly id: string;
  readonly table: WindowTable;
  readonly keys: KeyDirectory;
  origins: OriginReader | null = null;
  /** Longest time after its event that an event can count; Infinity for lifetimes and sessions. */
  readonly reachMs: number;
  /** Rows that differ from the last checkpoint; one that is no longer live has been given up. */
  readonly changed = new RowSet();
  /** Hears of every change too, where the rows are published elsewhere. */
  follower: ChangedRows | null = null;
  /** Who needs rows as of one moment. */
  readonly watch: RowWatch;
  /** Called after a row came from disk. */
  afterLoad: (() => void) | null = null;
  /** Row by key id and key id by row, -1 where there is none. Hot loops read them directly. */
  rowOfId = new Int32Array(0);
  #idOfRow = new Int32Array(0);
  /** By row: the newest applied arrival when the row was last marked as changed. */
  #touchedMs = new Float64Array(0);
  /** How long after its last event, by arrival, a row expires; Infinity where it never does. */
  readonly idleMs: number;
  readonly #expiry: RowExpiry | null;
  #saved: SavedRows | null = null;
  /** Where the rows in memory lie on disk. */
  readonly places = new SavedPlaces();
  #nowMs = 0;
  #liveRows = 0;
  /** Where the search for rows to spill goes on. */
  #hand = 0;

  constructor(id: string, spec: TileSpec, keys: KeyDirectory) {
    this.id = id;
    this.table = createTable(spec);
    this.watch = new RowWatch(this.table);
    this.keys = keys;
    this.reachMs = reachMs(spec.windows);
    this.idleMs = idleMs(spec);
    this.#expiry = Number.isFinite(this.idleMs) ? new RowExpiry(this.idleMs) : null;
  }

  /** Keys with state in memory. */
  get liveRows(): number {
    return this.#liveRows;
  }

  /** Keys with state on disk only. */
  get coldRows(): number {
    return this.#saved === null ? 0 : this.#saved.index.size - this.places.count;
  }

  /** Before any row: what was saved counts as the state from now on. */
  attach(saved: SavedRows): void {
    assert(this.#saved === null && this.#liveRows === 0, 'saved rows come before any other');
    this.#saved = saved;
  }

  /** The keys of all rows on disk. */
  savedKeys(): Iterable<string> {
    return this.#saved?.keys() ?? [];
  }

  /** @throws AsofError `corrupt_state` where the row on disk is damaged */
  find(key: string): number {
    const row = this.findHot(key);
    if (row >= 0) {
      this.places.use(row);
      return row;
    }
    return this.coldRows > 0 ? this.#load(key) : -1;
  }

  /** The row of a key in memory, or -1. */
  findHot(key: string): number {
    const id = this.keys.find(key);
    return id < 0 || id >= this.rowOfId.length ? -1 : (this.rowOfId[id] as number);
  }

  isLive(row: number): boolean {
    return (this.#idOfRow[row] ?? -1) >= 0;
  }

  keyOf(row: number): string {
    return this.keys.keyOf(this.#idOfRow[row] ?? -1);
  }

  /** Tells `follower` of every change from now on. */
  follow(follower: ChangedRows | null): void {
    follower?.rows.cover(this.table.rowLimit);
    this.follower = follower;
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

  /** The row of a key id that has none in memory: from disk, else a new one. */
  create(id: number, touchedMs: number = this.#nowMs): number {
    const loaded = this.coldRows > 0 ? this.#load(this.keys.keyOf(id)) : -1;
    if (loaded >= 0) return loaded;
    const row = this.table.createRow();
    this.#adopt(row, id, touchedMs);
    return row;
  }

  markChanged(row: number): void {
    this.follower?.rows.add(row);
    if (this.changed.has(row)) return;
    this.changed.add(row);
    this.places.use(row);
    this.#touchedMs[row] = this.#nowMs;
  }

  /** Gives up at most `limit` rows that no window can reach; answers how many it looked at. */
  evict(limit: number, evicted: () => void): number {
    const expiry = this.#expiry;
    if (expiry === null) return 0;
    let looked = 0;
    while (looked < limit) {
      const row = expiry.due(this.#nowMs);
      if (row < 0) break;
      looked += 1;
      if (!this.isLive(row)) continue;
      if (this.table.isExpired(row)) {
        this.remove(row);
        evicted();
      } else expiry.recheck(row, this.#touchedMs[row] ?? 0, this.#nowMs);
    }
    return looked;
  }

  /** Gives up a row that lies on disk only, if it has expired; else it stays in memory. */
  expireSaved(key: string): boolean {
    if (this.findHot(key) >= 0) return false;
    const row = this.#load(key);
    if (row < 0 || !this.table.isExpired(row)) return false;
    this.remove(row);
    return true;
  }

  /**
   * Takes rows out of memory that are on disk as they are, those first that were not used since the
   * search last came by. Looks at `limit` rows or until `enough`; answers how many it looked at.
   */
  spill(limit: number, enough: () => boolean, spilled: () => void): number {
    const { table } = this;
    const bound = table.rowLimit;
    const looks = Math.min(limit, 2 * bound);
    if (enough()) return 0;
    for (let looked = 0; looked < looks; looked++) {
      if (this.#hand >= bound) this.#hand = 0;
      const row = this.#hand++;
      if (!this.isLive(row) || this.changed.has(row) || !this.watch.isFree(row)) continue;
      if (!this.places.isSpillable(row)) continue;
      if (this.follower?.rows.has(row) === true) this.follower.keyLeft(this.keyOf(row));
      this.#free(row);
      spilled();
      if (enough()) return looked + 1;
    }
    return looks;
  }

  /** One live row as a checkpoint holds it. */
  encodeRow(row: number, writer: ByteWriter): void {
    writer.string(this.keyOf(row));
    this.encodeBody(row, writer);
  }

  /** The same without the key. */
  encodeBody(row: number, writer: ByteWriter): void {
    writer.varint(this.#touchedMs[row] ?? 0);
    this.table.encodeRow(row, writer);
  }

  /** The same of a key whose row lies on disk only; null where there is none. */
  savedBody(key: string): Uint8Array | null {
    const found = this.coldRows > 0 ? (this.#saved?.find(key) ?? null) : null;
    return found === null ? null : found.content.raw(found.content.remaining);
  }

  /** What lies on disk, to be read piece by piece; null of a group that was never attached. */
  get saved(): SavedRows | null {
    return this.#saved;
  }

  /** Bytes in memory that grow with the number of rows. */
  get rowBytes(): number {
    return this.#idOfRow.length * 13 + this.rowOfId.length * 4 + this.places.bytes;
  }

  /** Bytes that the tiles of a row on disk would take, by some of the rows. */
  sampleSaved(rows: number): number {
    return this.#saved === null ? 0 : sampleRows(this.#saved, this.table, rows);
  }

  #load(key: string): number {
    const saved = present(this.#saved, 'rows on disk only were saved');
    const found = saved.find(key);
    if (found === null) return -1;
    const { location, content } = found;
    const row = this.table.createRow();
    try {
      const touchedMs = content.varint();
      this.table.decodeRow(row, content);
      const known = this.keys.find(key);
      const id = known < 0 ? this.keys.add(key) : known;
      this.coverIds(id + 1);
      this.#adopt(row, id, touchedMs);
    } catch (cause) {
      throw saved.condemn(`a row of the group '${this.id}' cannot be read`, cause);
    }
    this.places.restore(row, location, saved.adopt(location, row));
    this.afterLoad?.();
    return row;
  }

  #adopt(row: number, id: number, touchedMs: number): void {
    this.#coverRow(row);
    this.#idOfRow[row] = id;
    this.rowOfId[id] = row;
    this.#touchedMs[row] = touchedMs;
    this.places.use(row);
    this.keys.use(id);
    this.#liveRows += 1;
    this.#expiry?.schedule(row, touchedMs, this.#nowMs);
  }

  /** Gives up a row for good, in memory and on disk. */
  remove(row: number): void {
    this.watch.leave(row);
    this.follower?.keyLeft(this.keyOf(row));
    const place = this.places.at(row);
    if (place !== NOWHERE) this.#saved?.drop(keyHash(this.keyOf(row)), place);
    this.#free(row);
  }

  #free(row: number): void {
    const id = this.#idOfRow[row] ?? -1;
    assert(id >= 0, 'only a live row is given up');
    this.#idOfRow[row] = -1;
    this.rowOfId[id] = -1;
    this.#liveRows -= 1;
    this.places.forget(row);
    this.keys.release(id);
    // No checkpoint needs a row that no window can reach after it.
    this.table.watched[row] = 0;
    this.table.freeRow(row);
  }

  #coverRow(row: number): void {
    this.changed.cover(row + 1);
    this.follower?.rows.cover(row + 1);
    this.places.cover(row + 1);
    if (row < this.#idOfRow.length) return;
    const size = Math.max(row + 1, this.#idOfRow.length * 2, 256);
    const ids = new Int32Array(size).fill(-1);
    ids.set(this.#idOfRow);
    this.#idOfRow = ids;
    const touchedMs = new Float64Array(size);
    touchedMs.set(this.#touchedMs);
    this.#touchedMs = touchedMs;
    this.#expiry?.cover(size);
  }
}
