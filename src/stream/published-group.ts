import { ByteWriter } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { ChangedRows } from '../store/changed-rows.ts';
import type { RowWrite } from '../store/row-store.ts';
import type { SplitKeys } from '../store/split-keys.ts';
import type { TileGroup } from '../store/tile-group.ts';
import { ColdRows } from './cold-rows.ts';
import type { PublishPortions } from './publish-portions.ts';

/** What of a group one publication writes: rows that wait to be encoded, and what was encoded. */
export interface TakenRows {
  readonly rows: Int32Array;
  readonly writes: RowWrite[];
}

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
  ) {
    this.#portions = portions;
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
    for (let row = 0; row < group.table.rowLimit; row++) {
      if (group.isLive(row)) changes.rows.add(row);
    }
    // Their own row may have expired, while those of further origins have not.
    for (const key of this.#splits?.keys ?? []) changes.keyLeft(key);
    this.#cold = new ColdRows(group);
    this.#waitedBefore = Number.POSITIVE_INFINITY;
    this.rowsOf = group.liveRows + group.coldRows;
    this.rowsDone = 0;
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

  /** What was taken of a key has not been published: it counts as changed again. */
  putBack(key: string): void {
    const row = this.group.findHot(key);
    if (row >= 0) this.changes.rows.add(row);
    else this.changes.keyLeft(key);
  }

  #takeKey(key: string, writes: RowWrite[]): void {
    const { group } = this;
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
    this.#writer.reset();
    this.#splits?.encodeMerged(key, row, this.#writer);
    return this.#write(key, this.#writer.view().slice());
  }

  #write(key: string, body: Uint8Array | null): RowWrite {
    return { group: this.stored, key, body, expiresMs: body === null ? null : this.#expiresMs() };
  }

  /** No arrival is later than now, so by then no window reaches what the row holds now. */
  #expiresMs(): number | null {
    const { idleMs, table } = this.group;
    if (this.#clock === null || !Number.isFinite(idleMs)) return null;
    return Math.ceil(Math.max(this.#clock.nowMs(), table.nowMs) + idleMs + LIMITS.storedRowSlackMs);
  }
}
