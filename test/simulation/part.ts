import { simulate } from './run.ts';

/** Every `parts`-th seed, from `part` on. */
export interface PartTask {
  readonly fromSeed: number;
  readonly endSeed: number;
  readonly part: number;
  readonly parts: number;
}

/** One run, as it is told to the process that counts. */
export interface PartMessage {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly simulatedMs: number;
  readonly events: number;
  readonly answers: number;
  readonly seen: Readonly<Record<string, number>>;
}

process.once('message', async ({ fromSeed, endSeed, part, parts }: PartTask) => {
  for (let seed = fromSeed + part; seed < endSeed; seed += parts) {
    const { problems, simulatedMs, events, answers, seen } = await simulate(seed);
    const counts = Object.fromEntries(seen);
    const message = { seed, problems, simulatedMs, events, answers, seen: counts };
    process.send?.(message satisfies PartMessage);
  }
  process.disconnect();
});
