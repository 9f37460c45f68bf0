import type { EventBatch } from '../schema/batch.ts';

/** What the stream engine needs of the log: durable batches in commit order. */
export interface CommittedLog {
  /** The oldest commit that the log still holds; `lastCommit + 1` where it holds none. */
  readonly firstCommit: number;
  readonly lastCommit: number;
  read(afterCommit: number): Iterable<EventBatch>;
}

export interface HistoryQuery {
  /** One source; without it all of them. */
  readonly source?: string;
  /** Batches whose events all arrived earlier may be left out. */
  readonly fromArrivalMs?: number;
  /** Batches up to this commit are not wanted; a reader may give them all the same. */
  readonly afterCommit?: number;
  readonly throughCommit?: number;
}

/** What the stream engine needs of the history: the batches of commits `1..through`, in order. */
export interface EventHistory {
  readonly through: number;
  batches(query: HistoryQuery): AsyncIterable<EventBatch>;
}
