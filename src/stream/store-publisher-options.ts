import type { CircuitBreaker } from '../base/circuit-breaker.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Pause, Turn } from '../base/pause.ts';
import type { RowStore } from '../store/row-store.ts';
import type { PublishPortions } from './publish-portions.ts';

export interface StorePublisherOptions {
  readonly rows: RowStore;
  /** Names the data directory: rows of another one are not written over unasked. */
  readonly directory: string;
  /** Of a platform whose time is that of the wall; null: rows never expire by themselves. */
  readonly wallClock: Clock | null;
  readonly breaker: CircuitBreaker;
  readonly pause: Pause;
  /** Taken between two portions of rows. */
  readonly turn: Turn;
  readonly logger: Logger;
  readonly portions?: PublishPortions;
}
