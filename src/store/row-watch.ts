import type { WindowTable } from '../aggregate/window-table.ts';

/** Who may watch rows of one table at the same time; each has a bit of its own. */
export const CHECKPOINT = 1;
export const PUBLICATION = 2;

export type Watcher = typeof CHECKPOINT | typeof PUBLICATION;

/**
 * Shares the one mark that a table has for each row: whoever needs rows as of now, and takes them
 * one after the other, is told of each before it changes.
 */
export class RowWatch {
  readonly #table: WindowTable;
  readonly #tell = new Map<Watcher, (row: number) => void>();

  constructor(table: WindowTable) {
    this.#table = table;
    table.beforeChange = (row, marks) => {
      if ((marks & CHECKPOINT) !== 0) this.#tell.get(CHECKPOINT)?.(row);
      if ((marks & PUBLICATION) !== 0) this.#tell.get(PUBLICATION)?.(row);
    };
  }

  /** Marks the rows; `tell` is called with each before its next change, until it is released. */
  begin(watcher: Watcher, rows: Iterable<number>, tell: (row: number) => void): void {
    const { watched } = this.#table;
    for (const row of rows) watched[row] = (watched[row] as number) | watcher;
    this.#tell.set(watcher, tell);
  }

  has(watcher: Watcher, row: number): boolean {
    return ((this.#table.watched[row] ?? 0) & watcher) !== 0;
  }

  isFree(row: number): boolean {
    return (this.#table.watched[row] ?? 0) === 0;
  }

  release(watcher: Watcher, row: number): void {
    const { watched } = this.#table;
    watched[row] = (watched[row] ?? 0) & ~watcher;
  }

  /** All rows have been released. */
  end(watcher: Watcher): void {
    this.#tell.delete(watcher);
  }

  /** The row is about to be given up for good: no checkpoint needs it, but a publication does. */
  leave(row: number): void {
    if (!this.has(PUBLICATION, row)) return;
    this.release(PUBLICATION, row);
    this.#tell.get(PUBLICATION)?.(row);
  }
}
