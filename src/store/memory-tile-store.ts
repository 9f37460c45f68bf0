import type { TileSpec } from '../aggregate/spec.ts';
import { assert } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { AppliedPosition } from './applied-position.ts';
import { KeyDirectory } from './key-directory.ts';
import type { OnlineStore } from './online-store.ts';
import { SplitKeys } from './split-keys.ts';
import { TileGroup } from './tile-group.ts';

/** The hot state in memory. State is visible only between commits: batches apply synchronously. */
export class MemoryTileStore implements OnlineStore {
  readonly applied = new AppliedPosition();
  readonly fetcher = null;
  readonly #groups = new Map<string, TileGroup>();
  /** By group, those whose keys can be split. */
  readonly #splits = new Map<string, SplitKeys>();
  readonly #directories = new Map<string, KeyDirectory>();

  /** All groups, those of further origins among them. */
  get groups(): Iterable<TileGroup> {
    return this.#groups.values();
  }

  /** Spreads the keys of a group; null for sessions, which are never split. */
  splitsOf(id: string): SplitKeys | null {
    return this.#splits.get(id) ?? null;
  }

  /** A group, and that of its further origins. */
  partsOf(id: string): TileGroup[] {
    const further = this.splitsOf(id)?.further;
    return [this.group(id), ...(further === undefined ? [] : [further])];
  }

  /** Distinct keys held, in memory and on disk, over all key spaces: at least so many. */
  get keyCount(): number {
    const counts = new Map<KeyDirectory, number>();
    for (const { id, keys, liveRows, coldRows } of this.#groups.values()) {
      if (isFurther(id)) continue;
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
    if (spec.windows.every(({ kind }) => kind !== 'session')) this.#addFurther(group, spec);
    return group;
  }

  /**
   * Sessions stay whole: a session that one origin sees as ended, and gives up, may go on among the
   * events of another, so chains that are kept apart could not be joined again to the bit.
   */
  #addFurther(group: TileGroup, spec: TileSpec): void {
    const further = new TileGroup(furtherId(group.id), spec, new KeyDirectory());
    this.#groups.set(further.id, further);
    const splits = new SplitKeys(group, further);
    group.origins = splits;
    this.#splits.set(group.id, splits);
  }
}

const FURTHER = '/origins';

/** The group that holds the rows of further origins. No group of a plan is named so. */
export function furtherId(id: string): string {
  return `${id}${FURTHER}`;
}

function isFurther(id: string): boolean {
  return id.endsWith(FURTHER);
}
