import type { EventBatch } from '../schema/batch.ts';

/** What the stream engine needs of the log: durable batches in commit order. */
export interface CommittedLog {
  /** The oldest commit that the log still holds; `lastCommit + 1` where it holds none. */
  readonly firstCommit: number;
  readonly lastCommit: number;
  read(afterCommit: number): Iterable<EventBatch>;
}

/** What the stream engine needs of the archive: every batch of commits `1..through`. */
export interface EventHistory {
  readonly through: number;
  /** In commit order within a source; without events that arrived before `fromArrivalMs`. */
  batches(source?: string, fromArrivalMs?: number): AsyncIterable<EventBatch>;
}
