import { type Failure, runCases, type Totals } from './run-cases.ts';
import type { Engine } from './tally.ts';

/** What the main process asks a part for: every `step`th case. */
export interface PartTask {
  readonly fromSeed: number;
  readonly endSeed: number;
  readonly step: number;
  readonly engines: readonly Engine[];
}

export type PartMessage =
  | { readonly kind: 'done'; readonly seed: number }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'totals'; readonly totals: Totals };

function* seedsOf({ fromSeed, endSeed, step }: PartTask): Generator<number> {
  for (let seed = fromSeed; seed < endSeed; seed += step) yield seed;
}

const send = (message: PartMessage): void => {
  process.send?.(message);
};

process.once('message', (task: PartTask) => {
  const observer = {
    done: (seed: number) => send({ kind: 'done', seed }),
    failed: (failure: Failure) => send({ kind: 'failed', failure }),
  };
  runCases(seedsOf(task), new Set(task.engines), observer).then((totals) => {
    process.send?.({ kind: 'totals', totals } satisfies PartMessage, () => process.disconnect());
  });
});
