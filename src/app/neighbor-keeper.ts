import { stopwatchMs } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { FeatureServer } from '../serve/feature-server.ts';
import { Neighbors } from '../serve/neighbors/neighbors.ts';

/** Lets the indexes of neighbors follow the state, a few milliseconds at a time. */
export class NeighborKeeper {
  readonly neighbors = new Neighbors();
  readonly #features: FeatureServer;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | null = null;

  constructor(features: FeatureServer, logger: Logger) {
    this.#features = features;
    this.#logger = logger;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), LIMITS.neighborsEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    const { isBuilding } = this.neighbors;
    const endMs = stopwatchMs() + (isBuilding ? LIMITS.neighborsBuildMs : LIMITS.neighborsSliceMs);
    try {
      this.neighbors.tick(() => stopwatchMs() >= endMs, this.#features.nowMs());
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'an index of neighbors could not follow');
    }
  }
}
