import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Turn } from '../base/pause.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import { SavedExpiry } from '../store/saved-expiry.ts';
import type { StateFiles } from '../store/state-files.ts';
import type { TileGroup } from '../store/tile-group.ts';
import type { StreamMetrics } from './metrics.ts';
import { StateBudget } from './state-budget.ts';

export interface StateKeeperOptions {
  readonly plan: ProjectPlan;
  readonly store: MemoryTileStore;
  readonly files: StateFiles;
  /** By the numbers that stand in their saved rows. */
  readonly groups: ReadonlyMap<number, TileGroup>;
  readonly metrics: StreamMetrics;
  readonly memoryBytes: number;
  readonly logger: Logger;
  readonly turn: Turn;
}

/** Gives up what has expired, and takes out of memory what is too much; both in bounded portions. */
export class StateKeeper {
  readonly budget: StateBudget;
  readonly #options: StateKeeperOptions;
  readonly #expiry: SavedExpiry;
  /** Set while rows are in use, so that none of them may leave. */
  #isBusy = false;
  /** Rows came from disk by reads, and nothing has looked at the budget since. */
  #waits = false;

  constructor(options: StateKeeperOptions) {
    const { plan, store, files, groups, memoryBytes, logger } = options;
    this.#options = options;
    this.#expiry = new SavedExpiry(files, groups);
    this.budget = new StateBudget(plan, store, memoryBytes, logger);
    for (const group of store.groups) group.afterLoad = () => this.#loaded();
  }

  /** Events are about to use rows. */
  begin(): void {
    this.#isBusy = true;
  }

  /** After every commit. */
  finish(): void {
    this.#evict();
    this.#spill();
    this.#isBusy = false;
  }

  /** Between commits, when nobody holds a row. */
  relieve(): void {
    if (!this.#isBusy && this.budget.isOver) this.#spill();
  }

  /** Keys held, and the tiles and bytes of those in memory, over all groups. */
  size(): { keys: number; rows: number; tiles: number; bytes: number } {
    const { store } = this.#options;
    const size = { keys: store.keyCount, rows: 0, tiles: 0, bytes: this.budget.bytes };
    for (const group of store.groups) {
      const stats = group.table.stats();
      size.rows += stats.rows;
      size.tiles += stats.tiles;
    }
    return size;
  }

  /** What decides whether to take a checkpoint. */
  get facts(): { changedRows: number; hotRows: number; isOverBudget: boolean } {
    let changedRows = 0;
    let hotRows = 0;
    for (const group of this.#options.store.groups) {
      changedRows += group.changed.size;
      hotRows += group.liveRows;
    }
    return { changedRows, hotRows, isOverBudget: this.budget.isOver };
  }

  #evict(): void {
    const { store, metrics } = this.#options;
    let looks = LIMITS.evictionLooksPerCommit;
    const count = (): void => {
      metrics.keysEvicted += 1;
    };
    for (const group of store.groups) {
      const looked = group.evict(looks, count);
      looks -= looked;
      metrics.evictionLooks += looked;
      if (looks <= 0) return;
    }
    this.#expire(store.applied.newestArrivalMs, count);
    metrics.evictionReads = this.#expiry.rowsRead;
  }

  /** What cannot be read now can be given up later: no event waits for it. */
  #expire(nowMs: number, count: () => void): void {
    try {
      this.#expiry.step(nowMs, count);
    } catch (error) {
      if (!(error instanceof AsofError) || error.code === 'corrupt_state') throw error;
      this.#options.logger.warn(
        { error: error.message },
        'expired keys on disk cannot be read now',
      );
    }
  }

  #spill(): void {
    this.budget.enforce();
    this.#options.metrics.rowsSpilled = this.budget.spilled;
  }

  /** A reader may hold rows that it has just found, so memory is freed only after its turn. */
  #loaded(): void {
    const { metrics, turn } = this.#options;
    metrics.rowsLoaded += 1;
    if (this.#isBusy || this.#waits) return;
    this.#waits = true;
    void turn().then(() => {
      this.#waits = false;
      if (!this.#isBusy) this.#spill();
    });
  }
}
