import { INDEX_PARTS } from '../store/row-index.ts';
import type { RowWrite } from '../store/row-store.ts';
import type { TileGroup } from '../store/tile-group.ts';

/** What a row on disk becomes. */
export interface ColdSink {
  /** It lies on disk only. */
  saved(key: string, body: Uint8Array): RowWrite;
  /** It is in memory by now. */
  hot(row: number): void;
}

/**
 * Reads all rows of a group that lie on disk, in portions, while checkpoints move them and events
 * bring them into memory: what changes meanwhile is told by the group's follower anyway.
 */
export class ColdRows {
  readonly #group: TileGroup;
  #part = -1;
  #hashes: number[] = [];

  constructor(group: TileGroup) {
    this.#group = group;
  }

  get isDone(): boolean {
    return this.#part >= INDEX_PARTS - 1 && this.#hashes.length === 0;
  }

  /** @throws AsofError `corrupt_state` */
  next(limit: number, sink: ColdSink): RowWrite[] {
    const group = this.#group;
    const { saved } = group;
    const writes: RowWrite[] = [];
    if (saved === null) {
      this.#part = INDEX_PARTS;
      return writes;
    }
    let looked = 0;
    while (looked < limit && !this.isDone) {
      const hash = this.#hashes.pop();
      if (hash === undefined) {
        this.#part += 1;
        this.#hashes = [...saved.hashesOf(this.#part)];
        continue;
      }
      for (const content of saved.contentsAt(hash)) {
        looked += 1;
        const key = content.string();
        const row = group.findHot(key);
        if (row >= 0) sink.hot(row);
        else writes.push(sink.saved(key, content.raw(content.remaining).slice()));
      }
    }
    return writes;
  }
}
