import { ByteWriter } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Turn } from '../base/pause.ts';
import { type CheckpointMeta, DELETED, STATE_FORMAT } from '../store/checkpoint-format.ts';
import type { CheckpointWriter } from '../store/checkpoint-writer.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { TileGroup } from '../store/tile-group.ts';
import type { StreamMetrics } from './metrics.ts';

export interface CheckpointStats {
  /** The state at this commit is on disk. */
  readonly commit: number;
  readonly rows: number;
  readonly deletes: number;
  readonly bytes: number;
  readonly copies: number;
  readonly tookMs: number;
}

interface FrozenGroup {
  readonly index: number;
  readonly group: TileGroup;
  /** By row: 1 for what this checkpoint saves. */
  readonly rows: Uint8Array;
  readonly removed: readonly number[];
}

/** Rows walked past before events and reads go on, where few of them changed. */
const ROWS_PER_SLICE = 100_000;

/**
 * Saves the rows that changed since the last checkpoint, together with the position, as of one
 * commit, while events go on: a row that changes before its turn is encoded just before it does.
 */
export class Checkpointer {
  readonly #store: MemoryTileStore;
  readonly #writer: CheckpointWriter;
  readonly #clock: Clock;
  readonly #metrics: StreamMetrics;
  readonly #generation: number;
  readonly #sliceBytes: number;
  readonly #turn: Turn;
  #storedCommit: number;
  #dropped: readonly string[];
  #running: Promise<CheckpointStats> | null = null;
  readonly #records = new ByteWriter(2 * LIMITS.checkpointSliceBytes);

  constructor(options: {
    store: MemoryTileStore;
    writer: CheckpointWriter;
    clock: Clock;
    metrics: StreamMetrics;
    /** The checkpoint that the next one follows. */
    base: CheckpointMeta;
    /** Bytes encoded before events and reads go on. */
    sliceBytes: number;
    /** Lets them. */
    turn: Turn;
  }) {
    this.#store = options.store;
    this.#writer = options.writer;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#sliceBytes = options.sliceBytes;
    this.#turn = options.turn;
    this.#generation = options.base.generation;
    this.#storedCommit = options.base.position.commit;
    const kept = new Set([...options.store.groups].map((group) => group.id));
    this.#dropped = options.base.groups.map(({ id }) => id).filter((id) => !kept.has(id));
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
    const startMs = this.#clock.nowMs();
    const copiesBefore = this.#metrics.checkpointCopies;
    const frozen = this.#freeze();
    const meta = this.#meta();
    let bytes = 0;
    try {
      for (const each of frozen) bytes += await this.#encode(each);
      bytes += this.#flush();
      const commit = { meta, baseCommit: this.#storedCommit, dropped: this.#dropped };
      const written = await this.#writer.commit(commit);
      this.#storedCommit = meta.position.commit;
      this.#dropped = [];
      const stats = {
        commit: meta.position.commit,
        rows: written.puts,
        deletes: written.deletes,
        bytes,
        copies: this.#metrics.checkpointCopies - copiesBefore,
        tookMs: this.#clock.nowMs() - startMs,
      };
      this.#count(stats);
      return stats;
    } catch (error) {
      this.#metrics.checkpointFailures += 1;
      this.#thaw(frozen);
      throw error;
    }
  }

  /** Short, whatever the number of rows: the flags of what changed become those to be watched. */
  #freeze(): FrozenGroup[] {
    return [...this.#store.groups].map((group, index) => {
      const { table, removed } = group;
      group.changed.cover(table.watched.length);
      table.watched = group.changed.take();
      const rows = table.watched.slice();
      group.removed = [];
      for (const row of removed) {
        // A row that was given up may be someone else's before its turn comes.
        if (table.watched[row] === 1 && !group.isLive(row)) this.#encodeRow(index, group, row);
      }
      const copy = (row: number): void => {
        this.#encodeRow(index, group, row);
        this.#metrics.checkpointCopies += 1;
      };
      table.beforeChange = copy;
      group.beforeRemove = (row) => {
        if (table.watched[row] === 1) copy(row);
      };
      return { index, group, rows, removed };
    });
  }

  #meta(): CheckpointMeta {
    const groups = [...this.#store.groups].map((group) => ({
      id: group.id,
      rows: group.liveRows,
      rowBound: group.table.rowLimit,
    }));
    const position = this.#store.applied.store();
    return { format: STATE_FORMAT, generation: this.#generation, position, groups };
  }

  async #encode({ index, group, rows }: FrozenGroup): Promise<number> {
    let bytes = 0;
    let walked = 0;
    for (let row = 0; row < rows.length; row++) {
      if (group.table.watched[row] === 1) this.#encodeRow(index, group, row);
      walked += 1;
      if (this.#records.length >= this.#sliceBytes || walked === ROWS_PER_SLICE) {
        walked = 0;
        bytes += this.#flush();
        await this.#turn();
      }
    }
    group.table.beforeChange = null;
    group.beforeRemove = null;
    return bytes;
  }

  #encodeRow(index: number, group: TileGroup, row: number): void {
    group.table.watched[row] = 0;
    const records = this.#records;
    records.u32(index);
    records.u32(row);
    const lengthAt = records.length;
    records.u32(DELETED);
    if (!group.isLive(row)) return;
    group.encodeRow(row, records);
    records.patchU32(lengthAt, records.length - lengthAt - 4);
  }

  #flush(): number {
    const bytes = this.#records.length;
    if (bytes > 0) this.#writer.add(this.#records.bytes());
    this.#records.reset();
    return bytes;
  }

  /** After a failure nothing was saved: what had changed counts as changed again. */
  #thaw(frozen: readonly FrozenGroup[]): void {
    this.#records.reset();
    for (const { group, rows, removed } of frozen) {
      group.table.beforeChange = null;
      group.beforeRemove = null;
      group.table.watched.fill(0);
      for (let row = 0; row < rows.length; row++) if (rows[row] === 1) group.changed.add(row);
      group.removed.push(...removed);
    }
  }

  #count(stats: CheckpointStats): void {
    const metrics = this.#metrics;
    metrics.checkpoints += 1;
    metrics.checkpointRows += stats.rows;
    metrics.checkpointDeletes += stats.deletes;
    metrics.checkpointBytes += stats.bytes;
    metrics.checkpointMs += stats.tookMs;
    metrics.lastCheckpointCommit = stats.commit;
    metrics.lastCheckpointAtMs = this.#clock.nowMs();
  }
}
