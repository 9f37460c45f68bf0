import type { Random } from '../../src/base/random.ts';
import type { Splitting } from '../../src/stream/split-rule.ts';

/** Splits keys and merges them back as the dice have it, whatever their share, commit by commit. */
export function splitRandomly(random: Random): Splitting {
  return {
    decide: ({ sketch, split }) => {
      const known = sketch.above(0).map(({ id }) => id);
      return {
        split: known.filter((id) => !split.has(id) && random.below(3) === 0),
        merge: [...split].filter(() => random.below(6) === 0),
      };
    },
    sampleEvery: 1,
    lookEvery: 1,
  };
}
