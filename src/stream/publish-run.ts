import type { RowWrite } from '../store/row-store.ts';
import { PUBLICATION } from '../store/row-watch.ts';
import type { PublishPortions } from './publish-portions.ts';
import type { PublishedGroup } from './published-group.ts';

interface Waiting {
  readonly published: PublishedGroup;
  readonly rows: Int32Array;
  /** Rows before this have been encoded, or were before they changed. */
  next: number;
}

/**
 * The rows of one publication, all as of the commit at which it was made: few are encoded at once;
 * of more, each is encoded in its turn, or just before it changes.
 */
export class PublishRun {
  /** Rows and bytes handed out. */
  rows = 0;
  bytes = 0;
  readonly #waiting: Waiting[] = [];
  #encoded: [PublishedGroup, RowWrite][] = [];
  readonly #sent: [PublishedGroup, string][] = [];
  readonly #portions: PublishPortions;
  #isWatching = false;

  /** Synchronous, as is the first `next`, which must follow at once. */
  constructor(
    groups: Iterable<{ readonly published: PublishedGroup; readonly all: boolean }>,
    portions: PublishPortions,
  ) {
    this.#portions = portions;
    for (const { published, all } of groups) {
      const { rows, writes } = published.take(all);
      this.#waiting.push({ published, rows, next: 0 });
      for (const write of writes) this.#encoded.push([published, write]);
    }
  }

  /** The next rows to write, encoded in one synchronous step; null after the last. */
  next(): RowWrite[] | null {
    const untilRows = this.#encoded.length + this.#portions.sliceRows;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      const { published, rows } = waiting;
      while (waiting.next < rows.length && this.#encoded.length < untilRows) {
        if (bytes > this.#portions.sliceBytes) break;
        const row = rows[waiting.next++] as number;
        if (this.#isWatching && !published.group.watch.has(PUBLICATION, row)) continue;
        published.group.watch.release(PUBLICATION, row);
        const write = published.encode(row);
        bytes += write.body?.length ?? 0;
        this.#encoded.push([published, write]);
      }
    }
    if (this.#waiting.some(({ rows, next }) => next < rows.length)) this.#watch();
    else this.#unwatch();
    const encoded = this.#encoded;
    if (encoded.length === 0) return null;
    this.#encoded = [];
    for (const [published, write] of encoded) {
      this.#sent.push([published, write.key]);
      this.rows += 1;
      this.bytes += write.body?.length ?? 0;
    }
    return encoded.map(([, write]) => write);
  }

  /** Nothing of it will be read: all of it counts as changed again. */
  giveUp(): void {
    for (const { published, rows, next } of this.#waiting) {
      for (const row of rows.subarray(next)) {
        if (this.#isWatching && !published.group.watch.has(PUBLICATION, row)) continue;
        published.group.watch.release(PUBLICATION, row);
        published.changes.rows.add(row);
      }
    }
    this.#unwatch();
    for (const [published, write] of this.#encoded) published.undo(write.key);
    for (const [published, key] of this.#sent) published.undo(key);
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    for (const { published, rows, next } of this.#waiting) {
      published.group.watch.begin(PUBLICATION, rows.subarray(next), (row) => {
        this.#encoded.push([published, published.encode(row)]);
      });
    }
  }

  #unwatch(): void {
    if (!this.#isWatching) return;
    this.#isWatching = false;
    for (const { published } of this.#waiting) published.group.watch.end(PUBLICATION);
  }
}
