import { LIMITS } from '../base/limits.ts';
import { RowSet } from './row-set.ts';

/**
 * What has changed in a tile group since somebody last asked: rows in memory by their numbers, and
 * the keys of those that have left memory meanwhile, to disk or for good.
 */
export class ChangedRows {
  readonly rows = new RowSet();
  #keys = new Set<string>();
  /** More keys have left than are listed: only all rows together are a superset of the changes. */
  isLost = false;

  get size(): number {
    return this.rows.size + this.#keys.size;
  }

  /** The row of the key has left memory; whether it is on disk or gone shows when it is looked up. */
  keyLeft(key: string): void {
    if (this.#keys.size < LIMITS.unpublishedKeys) this.#keys.add(key);
    else this.isLost = true;
  }

  takeKeys(): Set<string> {
    const keys = this.#keys;
    this.#keys = new Set();
    return keys;
  }

  /** Begins anew: everything is going to be written. */
  clear(): void {
    this.rows.take();
    this.#keys = new Set();
    this.isLost = false;
  }
}
