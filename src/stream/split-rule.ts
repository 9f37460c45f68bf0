import type { HeavyHitters } from '../base/heavy-hitters.ts';
import { LIMITS } from '../base/limits.ts';

/** What is known of the keys of one source when it is decided which of them are split. */
export interface KeyLook {
  readonly sketch: HeavyHitters;
  /** Ids of the keys that are split. */
  readonly split: ReadonlySet<number>;
  keyOf(id: number): string;
}

/** Ids of keys to split from now on, and of split keys that are put together again. */
export interface SplitChanges {
  readonly split: readonly number[];
  readonly merge: readonly number[];
}

/** Decides which keys are split. No value depends on it: only where partial aggregates stand. */
export interface Splitting {
  readonly decide: (look: KeyLook) => SplitChanges;
  /** On average one event in so many is counted. */
  readonly sampleEvery: number;
  /** Counted events between two decisions. */
  readonly lookEvery: number;
}

/**
 * Splits keys of a great share, and puts them together again once it has become clearly less: the
 * room between the two shares keeps a key near the threshold from going back and forth.
 */
export const SPLIT_BY_SHARE: Splitting = {
  decide: ({ sketch, split }) => {
    const hot = sketch.above(LIMITS.hotKeyMergeShare).map(({ id }) => id);
    const merge = [...split].filter((id) => !hot.includes(id));
    const free = LIMITS.hotKeysSplit - split.size + merge.length;
    const found = sketch
      .above(LIMITS.hotKeySplitShare)
      .filter(({ id, atLeast }) => atLeast >= LIMITS.hotKeySplitShare && !split.has(id));
    return { split: found.slice(0, Math.max(0, free)).map(({ id }) => id), merge };
  },
  sampleEvery: LIMITS.hotKeySampleEvery,
  lookEvery: LIMITS.hotKeyLookEvery,
};
