import { HeavyHitters } from '../../base/heavy-hitters.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { keyHash } from '../key-hash.ts';
import type { RowKey } from '../row-store.ts';

/** Old reads count half after so many samples. */
const HALF_LIFE = 64 * 1024;
/** The keys that are hot are looked up after so many samples: that looks at all counters. */
const LOOK_EVERY = 2_048;

export interface HotShare {
  /** Of one read in so many the key is counted. */
  readonly sample: number;
  readonly share: number;
}

/** Which keys are read most, in bounded memory; two that share a hash are hot together. */
export class HotKeysRead {
  readonly #rule: HotShare;
  readonly #hitters = new HeavyHitters(SERVING_LIMITS.hotKeys, HALF_LIFE);
  #hot = new Set<number>();
  #reads = 0;
  #samples = 0;

  constructor(rule: HotShare) {
    this.#rule = rule;
  }

  get size(): number {
    return this.#hot.size;
  }

  /** Counts a read; tells whether its key is hot. */
  read({ group, key }: RowKey): boolean {
    const id = keyHash(key) ^ keyHash(group);
    this.#reads += 1;
    if (this.#reads % this.#rule.sample === 0) this.#count(id);
    return this.#hot.has(id);
  }

  #count(id: number): void {
    this.#hitters.add(id);
    this.#samples += 1;
    if (this.#samples % LOOK_EVERY !== 0 && this.#samples !== 16) return;
    const { share } = this.#rule;
    const often = this.#hitters.above(share).filter(({ atLeast }) => atLeast >= share / 2);
    this.#hot = new Set(often.map((hitter) => hitter.id));
  }
}
