import type { EventBatch } from '../../src/schema/batch.ts';
import type { EventHistory, HistoryQuery } from '../../src/stream/event-history.ts';

/**
 * The archive as the engine sees it, in memory: the real one writes Parquet through a native
 * library, which no simulation can drive. Like the real one it grows by whole rounds or not at all.
 */
export class SimulatedArchive implements EventHistory {
  #batches: readonly EventBatch[] = [];

  get through(): number {
    return this.#batches.length;
  }

  /** As a server with these sources sees it. */
  of(sources: readonly { readonly name: string }[]): EventHistory {
    const { through } = this;
    const names = new Set(sources.map(({ name }) => name));
    return { through, batches: (query) => this.#batchesOf(query, names) };
  }

  async *#batchesOf(query: HistoryQuery, names: ReadonlySet<string>): AsyncIterable<EventBatch> {
    for await (const batch of this.batches(query)) if (names.has(batch.source)) yield batch;
  }

  add(batches: readonly EventBatch[]): void {
    this.#batches = [...this.#batches, ...batches];
  }

  async *batches(query: HistoryQuery): AsyncIterable<EventBatch> {
    const { source, fromArrivalMs = 0, throughCommit = this.through } = query;
    for (const batch of this.#batches.slice(0, throughCommit)) {
      if (source !== undefined && batch.source !== source) continue;
      if (batch.arrivalTimeMs.some((arrivalMs) => arrivalMs >= fromArrivalMs)) yield batch;
    }
  }
}
