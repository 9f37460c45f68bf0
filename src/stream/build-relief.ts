import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { nextTurn } from '../base/pause.ts';
import type { TileGroupPlan } from '../plan/plan.ts';
import type { StoredPosition } from '../store/applied-position.ts';
import type { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StateFiles } from '../store/state-files.ts';
import { Checkpointer } from './checkpointer.ts';
import type { StreamMetrics } from './metrics.ts';
import { stateBytes } from './state-budget.ts';
import type { StreamEngineOptions } from './stream-engine-options.ts';

/** Of the memory that the state may take: less than this coming on top is not worth a checkpoint. */
const GROWN_PART = 0.25;

/**
 * Keeps groups that are being built within the memory of the state: what there is of them goes to
 * disk, in a checkpoint of the position at the start that names these groups as not whole. After a
 * crash they are built anew.
 */
export class BuildRelief {
  readonly #options: StreamEngineOptions;
  readonly #store: MemoryTileStore;
  readonly #files: StateFiles;
  readonly #metrics: StreamMetrics;
  readonly #position: StoredPosition;
  readonly #memoryBytes: number;
  #keptBytes = 0;

  constructor(
    options: StreamEngineOptions,
    missing: readonly TileGroupPlan[],
    use: {
      readonly store: MemoryTileStore;
      readonly files: StateFiles;
      readonly metrics: StreamMetrics;
    },
  ) {
    this.#options = options;
    this.#store = use.store;
    this.#files = use.files;
    this.#metrics = use.metrics;
    this.#position = use.files.meta.position;
    this.#memoryBytes = options.stateMemoryBytes ?? LIMITS.stateMemoryBytes;
    use.files.building = new Set(missing.map(({ id }) => id));
  }

  /** To be called when nobody holds a row; answers whether rows have left memory. */
  async relieve(): Promise<boolean> {
    const bytes = stateBytes(this.#store);
    const grownBytes = bytes - this.#keptBytes;
    if (bytes <= this.#memoryBytes || grownBytes < this.#memoryBytes * GROWN_PART) return false;
    try {
      await this.#checkpointer().take();
    } catch (error) {
      if (!(error instanceof AsofError)) throw error;
      const fields = { code: error.code, error: error.message };
      this.#options.logger.error(fields, 'groups that are built cannot be saved to free memory');
      this.#keptBytes = bytes;
      return false;
    }
    const spilled = (): void => {
      this.#metrics.rowsSpilledBuilding += 1;
    };
    for (const group of this.#store.groups) {
      group.spill(Number.POSITIVE_INFINITY, () => false, spilled);
    }
    this.#keptBytes = stateBytes(this.#store);
    return true;
  }

  /** What is saved from now on is whole. */
  end(): void {
    this.#files.building = new Set();
  }

  #checkpointer(): Checkpointer {
    const { clock, sliceBytes = LIMITS.checkpointSliceBytes, turn = nextTurn } = this.#options;
    const numbered = [...this.#store.groups].map(
      (group) => [this.#files.rowsOf(group.id).number, group] as const,
    );
    return new Checkpointer({
      store: this.#store,
      files: this.#files,
      groups: new Map(numbered),
      clock,
      metrics: this.#metrics,
      sliceBytes,
      turn,
      position: this.#position,
    });
  }
}
