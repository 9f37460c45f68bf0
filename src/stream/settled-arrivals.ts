import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';

/**
 * Up to which arrival time every event of a source has been seen. The log stamps the events of a
 * partition in order, so the partition that is behind the others decides; of times that a source
 * declares itself nothing is known.
 */
export class SettledArrivals {
  readonly #newestMs: Float64Array;
  readonly #isDeclared: boolean;
  /** Set while history is imported: any of it may have arrived long ago. */
  isOpen: boolean;

  constructor({ partitions, arrivalTime }: SourceSchema, isOpen = false) {
    this.isOpen = isOpen;
    this.#newestMs = new Float64Array(partitions).fill(Number.NEGATIVE_INFINITY);
    this.#isDeclared = arrivalTime !== null;
  }

  /** No event that comes after this batch arrives before the answer; -Infinity if that is open. */
  observe({ partition, arrivalTimeMs, count, imported }: EventBatch): number {
    const newest = this.#newestMs;
    if (this.#isDeclared || imported === true) return Number.NEGATIVE_INFINITY;
    const lastMs = arrivalTimeMs[count - 1] ?? Number.NEGATIVE_INFINITY;
    const beforeMs = newest[partition];
    // A partition that the source no longer has gets no further events.
    if (beforeMs !== undefined) newest[partition] = Math.max(beforeMs, lastMs);
    if (this.isOpen) return Number.NEGATIVE_INFINITY;
    let settledMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < newest.length; i++) settledMs = Math.min(settledMs, newest[i] as number);
    return settledMs;
  }
}
