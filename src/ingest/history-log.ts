import type { EventBatch } from '../schema/batch.ts';

/** The log as a reader sees it, possibly from another process while it is written and cut. */
export interface LogReader {
  /** The last commit that is there now; 0 for an empty log. */
  lastCommit(): number;
  /**
   * Batches after a commit, in order, each under the schema it is wanted in. Begins later if the
   * log has been cut past that commit.
   */
  read(afterCommit: number): Iterable<EventBatch>;
}
