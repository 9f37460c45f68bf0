import { type Failure, runCases, type Totals } from './run-cases.ts';
import type { Engine } from './tally.ts';

/** What the main process asks one of several parts for. */
export interface PartTask {
  readonly fromSeed: number;
  readonly endSeed: number;
  readonly part: number;
  readonly parts: number;
  readonly engines: readonly Engine[];
}

export type PartMessage =
  | { readonly kind: 'done'; readonly seed: number }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'totals'; readonly totals: Totals };

/** Neighbours leave out different paths; blocks of them cost about the same. */
const BLOCK = 6;

function* seedsOf({ fromSeed, endSeed, part, parts }: PartTask): Generator<number> {
  for (let seed = fromSeed; seed < endSeed; seed += 1) {
    if (Math.floor((seed - fromSeed) / BLOCK) % parts === part) yield seed;
  }
}

const send = (message: PartMessage): void => {
  process.send?.(message);
};

// Without the process that asked there is nobody to tell.
for (const ending of ['disconnect', 'SIGINT', 'SIGTERM']) {
  process.once(ending, () => process.exit());
}

process.once('message', (task: PartTask) => {
  const observer = {
    done: (seed: number) => send({ kind: 'done', seed }),
    failed: (failure: Failure) => send({ kind: 'failed', failure }),
  };
  runCases(seedsOf(task), new Set(task.engines), observer).then((totals) => {
    process.send?.({ kind: 'totals', totals } satisfies PartMessage, () => process.disconnect());
  });
});
