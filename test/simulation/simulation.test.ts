import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFECTS } from './defects.ts';
import { simulate } from './run.ts';

const RUNS = 40;
const SEED = 919_206;
/** A defect is found within so many runs. */
const RUNS_TO_FIND = 60;

interface RegressionSeed {
  readonly seed: number;
  /** What was wrong when this run failed. */
  readonly why: string;
}

function regressionSeeds(): readonly number[] {
  const path = join(import.meta.dirname, 'regression-seeds.json');
  const seeds = JSON.parse(readFileSync(path, 'utf8')) as RegressionSeed[];
  return seeds.map(({ seed }) => seed);
}

async function play(seeds: readonly number[]): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for (const seed of seeds) {
    const result = await simulate(seed);
    assert.deepEqual(result.problems, [], `npm run simulate -- --only-seed ${seed}`);
    for (const [what, count] of result.seen) seen.set(what, (seen.get(what) ?? 0) + count);
  }
  return seen;
}

test('whatever fails, nothing acknowledged is lost or counts twice, and answers are right', async () => {
  const seen = await play(Array.from({ length: RUNS }, (_, i) => SEED + i));
  const wanted = ['an end by power', 'an end by kill', 'EIO in sync', 'ENOSPC in append'];
  const strains = [
    'rows that left memory',
    'rows that came from disk',
    'a key that was split',
    'a key that was put together again',
    'a store that fails for long',
    'a push that was refused: overloaded',
    'a push that was refused: state_full',
    'definitions exchanged while running',
    'a state that is built anew',
    'a connector that begins anew: stopped',
  ];
  wanted.push('a bit of the state that flipped', 'a request sent twice', ...strains);
  for (const what of wanted) {
    assert.ok((seen.get(what) ?? 0) > 0, `${what} came up`);
  }
});

test('runs that failed once stay right', async () => {
  await play(regressionSeeds());
});

test('a seed gives the same run again', async () => {
  const trace = async (): Promise<string[]> => {
    const lines: string[] = [];
    await simulate(SEED + 3, {}, (line) => lines.push(line));
    return lines;
  };
  const first = await trace();
  assert.ok(first.length > 20);
  assert.deepEqual(await trace(), first);
});

for (const [name, defect] of Object.entries(DEFECTS)) {
  test(`a defect is found: ${name}`, async (context) => {
    for (let run = 1; run <= RUNS_TO_FIND; run++) {
      const { problems } = await simulate(run, defect);
      if (problems.length === 0) continue;
      context.diagnostic(`after ${run} runs: ${problems[0]?.slice(0, 200)}`);
      return;
    }
    assert.fail(`${RUNS_TO_FIND} runs found nothing`);
  });
}
