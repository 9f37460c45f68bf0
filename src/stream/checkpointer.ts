import { ByteWriter } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Turn } from '../base/pause.ts';
import type { StoredPosition } from '../store/applied-position.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import { CHECKPOINT } from '../store/row-watch.ts';
import type { SavedRows } from '../store/saved-rows.ts';
import { SegmentCleaner } from '../store/segment-cleaner.ts';
import type { StateFiles } from '../store/state-files.ts';
import type { TileGroup } from '../store/tile-group.ts';
import type { StreamMetrics } from './metrics.ts';

/** Files that one checkpoint begins at most; far more than any does. */
const SLOTS_NEEDED = 512;

export interface CheckpointStats {
  /** The state at this commit is on disk. */
  readonly commit: number;
  readonly rows: number;
  /** Rows written again, so that files with little in them could go. */
  readonly moved: number;
  readonly bytes: number;
  readonly copies: number;
  readonly tookMs: number;
}

interface FrozenGroup {
  readonly group: TileGroup;
  readonly saved: SavedRows;
  /** What this checkpoint saves. */
  readonly rows: Int32Array;
}

/**
 * Saves the rows that changed since the last checkpoint, together with the position, as of one
 * commit, while events go on: a row that changes before its turn is encoded just before it does.
 */
export class Checkpointer {
  readonly #store: MemoryTileStore;
  readonly #files: StateFiles;
  readonly #cleaner: SegmentCleaner;
  readonly #clock: Clock;
  readonly #metrics: StreamMetrics;
  readonly #sliceBytes: number;
  readonly #turn: Turn;
  readonly #position: StoredPosition | null;
  #storedCommit: number;
  #running: Promise<CheckpointStats> | null = null;
  readonly #body = new ByteWriter();
  /** Of the checkpoint that is being taken. */
  #rows = 0;
  #bytes = 0;
  #newestMs = 0;

  constructor(options: {
    store: MemoryTileStore;
    files: StateFiles;
    /** By the numbers that stand in their saved rows. */
    groups: ReadonlyMap<number, TileGroup>;
    clock: Clock;
    metrics: StreamMetrics;
    /** Bytes encoded before events and reads go on. */
    sliceBytes: number;
    /** Lets them. */
    turn: Turn;
    /** What the checkpoints speak of, where it is not what has been applied. */
    position?: StoredPosition;
  }) {
    this.#store = options.store;
    this.#files = options.files;
    this.#cleaner = new SegmentCleaner(options.files, options.groups);
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#sliceBytes = options.sliceBytes;
    this.#turn = options.turn;
    this.#position = options.position ?? null;
    this.#storedCommit = options.files.meta.position.commit;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** The commit that a restart begins at. */
  get storedCommit(): number {
    return this.#storedCommit;
  }

  /** One at a time: while one is taken, the next call waits for it and takes its own. */
  async take(): Promise<CheckpointStats> {
    while (this.#running !== null) await this.#running.catch(() => {});
    this.#running = this.#take();
    try {
      return await this.#running;
    } finally {
      this.#running = null;
    }
  }

  /** Resolves when no checkpoint is being taken. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running.catch(() => {});
  }

  async #take(): Promise<CheckpointStats> {
    this.#files.segments.requireSlots(SLOTS_NEEDED);
    const startMs = this.#clock.nowMs();
    const copiesBefore = this.#metrics.checkpointCopies;
    const movedBefore = this.#cleaner.rowsMoved;
    const writtenBefore = this.#files.segments.bytesWritten;
    const position = this.#position ?? this.#store.applied.store();
    this.#newestMs = this.#store.applied.newestArrivalMs;
    this.#rows = 0;
    this.#bytes = 0;
    const frozen = this.#freeze();
    const owners = new Map([...this.#store.groups].map(({ id, places }) => [id, places]));
    try {
      for (const each of frozen) await this.#encode(each);
      await this.#clean();
      const { indexBytes } = await this.#files.commit(position, owners, this.#turn);
      this.#storedCommit = position.commit;
      const stats = {
        commit: position.commit,
        rows: this.#rows,
        moved: this.#cleaner.rowsMoved - movedBefore,
        bytes: this.#files.segments.bytesWritten - writtenBefore + indexBytes,
        copies: this.#metrics.checkpointCopies - copiesBefore,
        tookMs: this.#clock.nowMs() - startMs,
      };
      this.#count(stats);
      return stats;
    } catch (error) {
      this.#metrics.checkpointFailures += 1;
      this.#files.discard(owners);
      this.#thaw(frozen);
      throw error;
    }
  }

  /** Costs what has changed, whatever the number of rows. */
  #freeze(): FrozenGroup[] {
    return [...this.#store.groups].map((group) => {
      const frozen = {
        group,
        saved: this.#files.rowsOf(group.id),
        rows: group.changed.take().filter((row) => group.isLive(row)),
      };
      group.watch.begin(CHECKPOINT, frozen.rows, (row) => {
        this.#encodeRow(frozen, row);
        this.#metrics.checkpointCopies += 1;
      });
      return frozen;
    });
  }

  async #encode(frozen: FrozenGroup): Promise<void> {
    const { group, rows } = frozen;
    let turnAt = this.#bytes + this.#sliceBytes;
    for (const row of rows) {
      if (!group.watch.has(CHECKPOINT, row)) continue;
      this.#encodeRow(frozen, row);
      if (this.#bytes < turnAt) continue;
      this.#files.segments.flush();
      await this.#turn();
      turnAt = this.#bytes + this.#sliceBytes;
    }
    group.watch.end(CHECKPOINT);
  }

  #encodeRow({ group, saved }: FrozenGroup, row: number): void {
    group.watch.release(CHECKPOINT, row);
    const body = this.#body;
    body.reset();
    group.encodeRow(row, body);
    const before = group.places.at(row);
    group.places.saving(
      row,
      saved.save(row, group.keyOf(row), body.view(), before, this.#newestMs),
    );
    this.#rows += 1;
    this.#bytes += body.length;
  }

  /** In proportion to what was saved, so that a checkpoint's cost follows what has changed. */
  async #clean(): Promise<void> {
    let left = LIMITS.stateMovedPerByte * this.#bytes + this.#sliceBytes;
    while (left > 0) {
      const read = this.#cleaner.step(Math.min(left, this.#sliceBytes));
      if (read === 0) return;
      left -= read;
      this.#files.segments.flush();
      await this.#turn();
    }
  }

  /** After a failure nothing was saved: what had changed counts as changed again. */
  #thaw(frozen: readonly FrozenGroup[]): void {
    this.#cleaner.restart();
    for (const { group, rows } of frozen) {
      group.watch.end(CHECKPOINT);
      for (const row of rows) {
        group.watch.release(CHECKPOINT, row);
        group.changed.add(row);
      }
    }
  }

  #count(stats: CheckpointStats): void {
    const metrics = this.#metrics;
    metrics.checkpoints += 1;
    metrics.checkpointRows += stats.rows;
    metrics.checkpointMoves += stats.moved;
    metrics.checkpointBytes += stats.bytes;
    metrics.checkpointMs += stats.tookMs;
    metrics.lastCheckpointMs = stats.tookMs;
    metrics.lastCheckpointBytes = stats.bytes;
    metrics.lastCheckpointCommit = stats.commit;
    metrics.lastCheckpointAtMs = this.#clock.nowMs();
  }
}
