import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../base/clock.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { Timers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { CallEnd, FunctionRunner, FunctionValue } from '../../plan/function-runner.ts';
import { FunctionAnswers } from './function-answers.ts';

type Calls = readonly (readonly FunctionValue[])[];

/** Ends calls when told to. */
class ManualRunner implements FunctionRunner {
  readonly made: { readonly calls: Calls; readonly end: (ends: readonly CallEnd[]) => void }[] = [];

  run(_plan: FunctionPlan, calls: Calls): Promise<readonly CallEnd[]> {
    const { promise, resolve } = Promise.withResolvers<readonly CallEnd[]>();
    this.made.push({ calls, end: resolve });
    return promise;
  }

  /** Ends all that was made by now with the first input, twice. */
  settle(): void {
    for (const { calls, end } of this.made.splice(0)) {
      end(
        calls.map(([x]) => ({ kind: 'done', values: [Number(typeof x === 'object' ? 0 : x) * 2] })),
      );
    }
  }
}

/** Time that moves when told to. */
class ManualTimers implements Timers {
  now = 0;
  #tasks: { readonly atMs: number; readonly task: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, task: () => void): () => void {
    const one = { atMs: this.now + delayMs, task };
    this.#tasks.push(one);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== one);
    };
  }

  advance(ms: number): void {
    this.now += ms;
    for (const { atMs, task } of this.#tasks) if (atMs <= this.now) task();
  }
}

function planOf(cacheTtlMs: number | null, digest = 'd'): FunctionPlan {
  return {
    ...{ name: 'f', version: 1, inputs: [], outputs: [], source: '', uses: [], network: null },
    ...{ timeoutMs: 5, memoryMiB: 32, cacheTtlMs, digest },
    meta: { owner: null, description: null, tags: [] },
  };
}

function newWorld() {
  const runner = new ManualRunner();
  const clock = new ManualClock(0);
  const timers = new ManualTimers();
  return { runner, clock, timers, answers: new FunctionAnswers(runner, clock, timers) };
}

const done = (value: number): CallEnd => ({ kind: 'done', values: [value] });
const LONG_MS = 1_000;

test('equal inputs are asked once within a request, and answered in their places', async () => {
  const { runner, answers } = newWorld();
  const asked = answers.make(planOf(null), [[1], [2], [1], [2], [3]], LONG_MS);
  assert.deepEqual(runner.made[0]?.calls, [[1], [2], [3]]);
  runner.settle();
  assert.deepEqual(await asked, [done(2), done(4), done(2), done(4), done(6)]);
  const again = answers.make(planOf(null), [[1]], LONG_MS);
  assert.equal(runner.made.length, 1);
  runner.settle();
  assert.deepEqual(await again, [done(2)]);
});

test('what is kept is asked again when its time is over, and not before', async () => {
  const { runner, clock, answers } = newWorld();
  const first = answers.make(planOf(100), [[1]], LONG_MS);
  runner.settle();
  await first;
  clock.advanceTo(99);
  assert.deepEqual(await answers.make(planOf(100), [[1]], LONG_MS), [done(2)]);
  assert.equal(answers.hits, 1);
  const other = answers.make(planOf(100, 'other'), [[1]], LONG_MS);
  clock.advanceTo(100);
  const late = answers.make(planOf(100), [[1]], LONG_MS);
  assert.equal(runner.made.length, 2, 'another function, and the same one later');
  runner.settle();
  assert.deepEqual(await Promise.all([other, late]), [[done(2)], [done(2)]]);
});

test('of requests that ask the same at the same time one is made', async () => {
  const { runner, answers } = newWorld();
  const asked = Array.from({ length: 10 }, () => answers.make(planOf(100), [[1], [2]], LONG_MS));
  assert.equal(runner.made.length, 1);
  runner.settle();
  for (const one of asked) assert.deepEqual(await one, [done(2), done(4)]);
  assert.equal(answers.shared, 18);
});

test('who waits for another request waits no longer than its own time', async () => {
  const { runner, timers, answers } = newWorld();
  const first = answers.make(planOf(100), [[1]], LONG_MS);
  const short = answers.make(planOf(100), [[1]], 10);
  timers.advance(10);
  assert.equal((await short)[0]?.kind, 'timeout');
  runner.settle();
  assert.deepEqual(await first, [done(2)]);
});

test('who has more time than the request that it waited for asks again', async () => {
  const { runner, timers, answers } = newWorld();
  const first = answers.make(planOf(100), [[1]], 10);
  const patient = answers.make(planOf(100), [[1]], LONG_MS);
  timers.advance(10);
  const [{ end } = { end: () => {} }] = runner.made.splice(0);
  end([{ kind: 'timeout', reason: 'late' }]);
  assert.equal((await first)[0]?.kind, 'timeout');
  await Promise.resolve();
  assert.equal(runner.made.length, 1);
  runner.settle();
  assert.deepEqual(await patient, [done(2)]);
});

test('failures are not kept', async () => {
  const { runner, answers } = newWorld();
  const first = answers.make(planOf(100), [[1]], LONG_MS);
  runner.made.splice(0)[0]?.end([{ kind: 'error', reason: 'x' }]);
  assert.equal((await first)[0]?.kind, 'error');
  const next = answers.make(planOf(100), [[1]], LONG_MS);
  runner.settle();
  assert.deepEqual(await next, [done(2)]);
});

test('what is kept is bounded', async () => {
  const { runner, answers } = newWorld();
  const { functionCacheEntries } = SERVING_LIMITS;
  for (let from = 0; from < 2 * functionCacheEntries; from += 10_000) {
    const calls = Array.from({ length: 10_000 }, (_, i) => [from + i]);
    const asked = answers.make(planOf(100), calls, LONG_MS);
    runner.settle();
    await asked;
    assert.ok(answers.size <= functionCacheEntries);
  }
});

const value: fc.Arbitrary<FunctionValue> = fc.letrec<{ value: FunctionValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<FunctionValue>(null, true, false, 0, 1, 1n, '1', 'z', 'n1', 's1:1', '', []),
    fc.double({ noNaN: true }).map((one) => one + 0),
    fc.bigInt(),
    fc.string({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.record({ value: tie('value'), count: fc.nat(3) }),
  ),
})).value;

test('different inputs are never taken for each other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.tuple(value, value), fc.tuple(value, value), async (a, b) => {
      const { runner, answers } = newWorld();
      const asked = answers.make(planOf(100), [a, b], LONG_MS);
      let isSame = true;
      try {
        assert.deepStrictEqual(a, b);
      } catch {
        isSame = false;
      }
      assert.equal(runner.made[0]?.calls.length, isSame ? 1 : 2);
      runner.settle();
      await asked;
    }),
    { numRuns: 300 },
  );
});
