import { ByteWriter } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { ChangedRows } from '../store/changed-rows.ts';
import type { RowWrite } from '../store/row-store.ts';
import type { SplitKeys } from '../store/split-keys.ts';
import type { TileGroup } from '../store/tile-group.ts';
import { ColdRows } from './cold-rows.ts';
import type { PublishPortions } from './publish-portions.ts';
import type { WantedKeys } from './wanted-keys.ts';

/** What of a group one publication writes: rows that wait to be encoded, and what was encoded. */
export interface TakenRows {
  readonly rows: Int32Array;
  readonly writes: RowWrite[];
}

const REMOVED = { body: null, expiresMs: null };

/** One tile group as it is published: what has changed of it, and how its rows are written. */
export class PublishedGroup {
  readonly group: TileGroup;
  readonly changes = new ChangedRows();
  /** Under which name its rows stand in the store. */
  stored: string;
  /** Whether all its rows are there, but for those that changed since the last publication. */
  isWhole: boolean;
  /** Readers have its rows under another name, which speak of the head that there is. */
  replaces = false;
  /** Of a group that is written whole: rows that were to be written, and that have been. */
  rowsOf = 0;
  rowsDone = 0;
  /** Of a group of which some keys only are published; null: all are. */
  readonly #wanted: WantedKeys | null;
  /** Of such a group: keys that may have a row in the store, under its present name. */
  readonly #there = new Set<string>();
  readonly #splits: SplitKeys | null;
  readonly #clock: Clock | null;
  readonly #portions: PublishPortions;
  readonly #writer = new ByteWriter();
  #cold: ColdRows | null = null;
  #waitedBefore = Number.POSITIVE_INFINITY;

  /** @param clock of a platform whose time is that of the wall: its rows can expire by it */
  constructor(
    group: TileGroup,
    splits: SplitKeys | null,
    clock: Clock | null,
    portions: PublishPortions,
    wanted: WantedKeys | null = null,
  ) {
    this.#portions = portions;
    this.#wanted = wanted;
    if (wanted !== null) wanted.changed = (key) => this.putBack(key);
    this.group = group;
    this.stored = '';
    this.isWhole = false;
    this.#splits = splits;
    this.#clock = clock;
    group.follow(this.changes);
  }

  /** Its rows are all there under this name; what changed since is known. */
  goOn(stored: string): void {
    this.stored = stored;
    this.isWhole = true;
    this.#cold = null;
  }

  /** All rows are written, under another name than before. */
  startWhole(stored: string, replaces: boolean): void {
    const { group, changes } = this;
    this.stored = stored;
    this.isWhole = false;
    this.replaces = replaces;
    changes.clear();
    this.#waitedBefore = Number.POSITIVE_INFINITY;
    this.rowsDone = 0;
    if (this.#wanted !== null) {
      this.#there.clear();
      for (const key of this.#wanted.keys()) this.putBack(key);
      this.rowsOf = this.#wanted.size;
      return;
    }
    for (let row = 0; row < group.table.rowLimit; row++) {
      if (group.isLive(row)) changes.rows.add(row);
    }
    // Their own row may have expired, while those of further origins have not.
    for (const key of this.#splits?.keys ?? []) changes.keyLeft(key);
    this.#cold = new ColdRows(group);
    this.rowsOf = group.liveRows + group.coldRows;
  }

  /** Whether one publication could take all that is left of a group that is written whole. */
  get isNearlyWhole(): boolean {
    return (this.#cold?.isDone ?? true) && this.changes.rows.size <= this.#portions.buildRows;
  }

  /** As that, also where changes come as fast as they can be written. */
  willBeWhole(): boolean {
    const waiting = this.changes.rows.size;
    const isStuck = (this.#cold?.isDone ?? true) && waiting >= this.#waitedBefore;
    this.#waitedBefore = waiting;
    return this.isNearlyWhole || isStuck;
  }

  /**
   * What is to be written as of now; synchronous. Keys that are split are encoded at once, as their
   * events change rows that nobody watches.
   * @param all of a group that is written whole: whatever is left of it
   */
  take(all: boolean): TakenRows {
    const writes: RowWrite[] = [];
    if (!this.isWhole && this.#cold !== null && !this.#cold.isDone) {
      const cold = this.#cold.next(this.#portions.coldRows, {
        saved: (key, body) => this.#savedWrite(key, body),
        hot: (row) => this.changes.rows.add(row),
      });
      writes.push(...cold);
    }
    for (const key of this.changes.takeKeys()) this.#takeKey(key, writes);
    const { rows } = this.changes;
    const taken = all ? rows.take() : rows.takeSome(this.#portions.buildRows);
    const live = taken.filter((row) => {
      if (!this.group.isLive(row)) return false;
      const key = this.group.keyOf(row);
      if (this.#leaves(key, writes)) return false;
      if (this.#splits?.isSplit(key) !== true) return true;
      writes.push(this.#mergedWrite(key, row));
      return false;
    });
    if (!this.isWhole) this.rowsDone += live.length + writes.length;
    return { rows: live, writes };
  }

  encode(row: number): RowWrite {
    this.#writer.reset();
    this.group.encodeBody(row, this.#writer);
    return this.#write(this.group.keyOf(row), this.#writer.view().slice());
  }

  /** Whether some keys only are published. */
  get isSelective(): boolean {
    return this.#wanted !== null;
  }

  get selectedKeys(): number {
    return this.#wanted?.size ?? 0;
  }

  /** Readers have read the key so many times; of keys that have no row nothing is kept. */
  ask(key: string, count: number, nowMs: number, hasRow: boolean): void {
    if (this.#wanted === null) return;
    if (hasRow || this.#wanted.isKnown(key)) this.#wanted.ask(key, count, nowMs);
  }

  /** Keys that are read no more leave with what is published next. */
  look(nowMs: number): void {
    this.#wanted?.look(nowMs);
  }

  /** The row of a key as of now, wherever it lies; null where it has none. */
  bodyOf(key: string): Uint8Array | null {
    const row = this.group.findHot(key);
    if (this.#splits?.isSplit(key) === true) {
      return this.#mergedBody(key, row >= 0 ? row : this.group.find(key));
    }
    if (row < 0) return this.group.savedBody(key)?.slice() ?? null;
    this.#writer.reset();
    this.group.encodeBody(row, this.#writer);
    return this.#writer.view().slice();
  }

  /**
   * What was taken of a key has not been published: it counts as changed again, and whether the
   * store holds something of it is not known.
   */
  undo(key: string): void {
    if (this.#wanted !== null) this.#there.add(key);
    this.putBack(key);
  }

  /** The key counts as changed. */
  putBack(key: string): void {
    const row = this.group.findHot(key);
    if (row >= 0) this.changes.rows.add(row);
    else this.changes.keyLeft(key);
  }

  /** Whether nothing is to be written of the key but, where a row is there, that it is gone. */
  #leaves(key: string, writes: RowWrite[]): boolean {
    if (this.#wanted === null || this.#wanted.has(key)) return false;
    if (this.#there.delete(key)) writes.push({ group: this.stored, key, ...REMOVED });
    return true;
  }

  #takeKey(key: string, writes: RowWrite[]): void {
    const { group } = this;
    if (this.#leaves(key, writes)) return;
    const row = group.findHot(key);
    if (row >= 0) {
      this.changes.rows.add(row);
      return;
    }
    if (this.#splits?.isSplit(key) === true) {
      writes.push(this.#mergedWrite(key, group.find(key)));
      return;
    }
    writes.push(this.#write(key, group.savedBody(key)?.slice() ?? null));
  }

  #savedWrite(key: string, body: Uint8Array): RowWrite {
    if (this.#splits?.isSplit(key) !== true) return this.#write(key, body);
    return this.#mergedWrite(key, this.group.find(key));
  }

  #mergedWrite(key: string, row: number): RowWrite {
    return this.#write(key, this.#mergedBody(key, row));
  }

  #mergedBody(key: string, row: number): Uint8Array {
    this.#writer.reset();
    this.#splits?.encodeMerged(key, row, this.#writer);
    return this.#writer.view().slice();
  }

  #write(key: string, body: Uint8Array | null): RowWrite {
    if (this.#wanted !== null) {
      if (body === null) this.#there.delete(key);
      else this.#there.add(key);
    }
    return { group: this.stored, key, body, expiresMs: body === null ? null : this.#expiresMs() };
  }

  /** No arrival is later than now, so by then no window reaches what the row holds now. */
  #expiresMs(): number | null {
    const { idleMs, table } = this.group;
    if (this.#clock === null || !Number.isFinite(idleMs)) return null;
    return Math.ceil(Math.max(this.#clock.nowMs(), table.nowMs) + idleMs + LIMITS.storedRowSlackMs);
  }
}
