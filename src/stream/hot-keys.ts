import { HeavyHitters } from '../base/heavy-hitters.ts';
import { LIMITS } from '../base/limits.ts';
import { type Random, seededRandom } from '../base/random.ts';
import type { KeyDirectory } from '../store/key-directory.ts';
import type { Spread } from '../store/spread.ts';
import type { Splitting } from './split-rule.ts';

/** Keys with less than this share are not worth naming. */
const NAMED_SHARE = 0.01;
const NAMED = 5;
/** Of fewer events no share is worth naming. */
const NAMED_AFTER = 100;

/** A key of many events, among those of its source that were seen lately. */
export interface HotKey {
  readonly key: string;
  readonly atLeast: number;
  readonly atMost: number;
  /** Whether its events are spread over several rows. */
  readonly isSplit: boolean;
}

/** Finds the keys of most events of one source and key space, and has them split and merged back. */
export class HotKeys {
  /** Since the start. */
  splits = 0;
  merges = 0;
  readonly #keys: KeyDirectory;
  readonly #spreads: readonly Spread[];
  readonly #splitting: Splitting;
  readonly #sketch = new HeavyHitters(LIMITS.hotKeyCounters, LIMITS.hotKeyHalfLife);
  readonly #random: Random = seededRandom(1);
  /** Events until the next one that is counted. */
  #skip: number;
  #counted = 0;

  constructor(keys: KeyDirectory, spreads: readonly Spread[], splitting: Splitting) {
    this.#keys = keys;
    this.#spreads = spreads;
    this.#splitting = splitting;
    this.#skip = this.#random.below(splitting.sampleEvery);
    keys.onForgotten.push((id) => this.#sketch.forget(id));
  }

  /** Counts a sample of a batch's key ids; the steps differ, so that no rhythm of events hides. */
  observe(ids: Int32Array, count: number): void {
    const { sampleEvery } = this.#splitting;
    let at = this.#skip;
    for (; at < count; at += 1 + this.#random.below(2 * sampleEvery - 1)) {
      const id = ids[at] as number;
      if (id < 0) continue;
      this.#sketch.add(id);
      this.#counted += 1;
    }
    this.#skip = at - count;
  }

  /** Between batches. While a checkpoint is taken (`isSaving`) nothing can be merged back. */
  balance(isSaving: boolean): void {
    if (this.#counted < this.#splitting.lookEvery) return;
    this.#counted = 0;
    const split = this.#split();
    const keyOf = (id: number): string => this.#keys.keyOf(id);
    const changes = this.#splitting.decide({ sketch: this.#sketch, split, keyOf });
    for (const id of changes.split) this.#start(id);
    if (isSaving) return;
    for (const id of changes.merge) this.#end(id);
  }

  /** The hottest keys, the greatest share first. */
  hottest(): HotKey[] {
    if (this.#sketch.seen < NAMED_AFTER) return [];
    const split = this.#split();
    const found = this.#sketch.above(NAMED_SHARE).filter(({ atLeast }) => atLeast >= NAMED_SHARE);
    return found.slice(0, NAMED).map(({ id, atLeast, atMost }) => {
      return { key: this.#keys.keyOf(id), atLeast, atMost, isSplit: split.has(id) };
    });
  }

  get splitKeys(): number {
    return this.#split().size;
  }

  #split(): Set<number> {
    return new Set(this.#spreads.flatMap((spread) => spread.ids));
  }

  #start(id: number): void {
    const waiting = this.#spreads.filter((spread) => !spread.has(id));
    for (const spread of waiting) spread.split(id);
    if (waiting.length > 0) this.splits += 1;
  }

  #end(id: number): void {
    for (const spread of this.#spreads) if (spread.has(id)) spread.mergeBack(id);
    this.merges += 1;
  }
}
