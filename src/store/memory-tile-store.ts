import type { TileSpec } from '../aggregate/spec.ts';
import { assert } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { AppliedPosition } from './applied-position.ts';
import { KeyIndex } from './key-index.ts';
import type { OnlineStore } from './online-store.ts';
import { TileGroup } from './tile-group.ts';

/** The hot state in memory. State is visible only between commits: batches apply synchronously. */
export class MemoryTileStore implements OnlineStore {
  readonly applied = new AppliedPosition();
  readonly #groups = new Map<string, TileGroup>();
  readonly #keyIndexes = new Map<string, KeyIndex>();

  get groups(): Iterable<TileGroup> {
    return this.#groups.values();
  }

  /** Distinct keys held, over all key indexes. */
  get keyCount(): number {
    let count = 0;
    for (const index of this.#keyIndexes.values()) count += index.size;
    return count;
  }

  group(id: string): TileGroup {
    const group = this.#groups.get(id);
    if (group === undefined) {
      throw new AsofError('unknown_name', `No state is kept for the tile group '${id}'.`, {
        remedy: 'Apply the definitions that need it; its state is then built from the log.',
      });
    }
    return group;
  }

  /** `keySpace` names the key columns: groups of one key space share their key index. */
  addGroup(id: string, spec: TileSpec, keySpace: string): TileGroup {
    assert(!this.#groups.has(id), 'a tile group is added once');
    let keys = this.#keyIndexes.get(keySpace);
    if (keys === undefined) {
      keys = new KeyIndex();
      this.#keyIndexes.set(keySpace, keys);
    }
    const group = new TileGroup(id, spec, keys);
    this.#groups.set(id, group);
    return group;
  }
}
