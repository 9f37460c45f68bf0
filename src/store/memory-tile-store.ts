import type { TileSpec } from '../aggregate/spec.ts';
import { assert } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { AppliedPosition } from './applied-position.ts';
import { KeyDirectory } from './key-directory.ts';
import type { OnlineStore } from './online-store.ts';
import { TileGroup } from './tile-group.ts';

/** The hot state in memory. State is visible only between commits: batches apply synchronously. */
export class MemoryTileStore implements OnlineStore {
  readonly applied = new AppliedPosition();
  readonly #groups = new Map<string, TileGroup>();
  readonly #directories = new Map<string, KeyDirectory>();

  get groups(): Iterable<TileGroup> {
    return this.#groups.values();
  }

  /** Distinct keys held, in memory and on disk, over all key spaces: at least so many. */
  get keyCount(): number {
    const counts = new Map<KeyDirectory, number>();
    for (const { keys, liveRows, coldRows } of this.#groups.values()) {
      // Keys that only one group holds may be in memory while those of another one are not.
      counts.set(keys, Math.max(counts.get(keys) ?? keys.size, liveRows + coldRows));
    }
    return [...counts.values()].reduce((sum, count) => sum + count, 0);
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

  /** `keySpace` names the key columns: groups of one key space share their key directory. */
  addGroup(id: string, spec: TileSpec, keySpace: string): TileGroup {
    assert(!this.#groups.has(id), 'a tile group is added once');
    let keys = this.#directories.get(keySpace);
    if (keys === undefined) {
      keys = new KeyDirectory();
      this.#directories.set(keySpace, keys);
    }
    const group = new TileGroup(id, spec, keys);
    this.#groups.set(id, group);
    return group;
  }
}
