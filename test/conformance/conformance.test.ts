import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Failure, idleEngines, runCases, type Totals } from './run-cases.ts';
import { ENGINES } from './tally.ts';

const CASES = 24;
const SEED = 424_242;

interface RegressionSeed {
  readonly seed: number;
  /** What was wrong when this case failed. */
  readonly why: string;
}

function regressionSeeds(): RegressionSeed[] {
  const path = join(import.meta.dirname, 'regression-seeds.json');
  return JSON.parse(readFileSync(path, 'utf8')) as RegressionSeed[];
}

async function play(seeds: readonly number[]): Promise<Totals> {
  const failures: Failure[] = [];
  const totals = await runCases(seeds, new Set(ENGINES), {
    done: () => {},
    failed: (failure) => failures.push(failure),
  });
  assert.deepEqual(failures, [], 'play one again with npm run conformance -- --cases 1 --seed S');
  assert.equal(totals.mismatches, 0);
  return totals;
}

test('every path gives the values of the naive oracle, on random projects', async () => {
  const totals = await play(Array.from({ length: CASES }, (_, i) => SEED + i));
  assert.equal(totals.cases, CASES);
  assert.deepEqual(idleEngines(totals, ENGINES), []);
  for (const what of ['a tampered answer', 'retraction in a tile', 'retraction in a session']) {
    assert.ok((totals.covered[what] ?? 0) > 0, what);
  }
  for (const what of ['keys split', 'keys merged back']) assert.ok(totals.covered[what], what);
});

test('cases that failed once stay right', async () => {
  await play(regressionSeeds().map(({ seed }) => seed));
});
