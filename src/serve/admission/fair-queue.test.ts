import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairQueue, Flow, type Job } from './fair-queue.ts';

interface Named extends Job {
  readonly of: number;
  readonly costMs: number;
}

function job(of: number, costMs: number, isLong = false): Named {
  return { of, costMs, isLong, bytes: 10, expectedMs: costMs, deadlineMs: 1 };
}

test('who always waits gets its share of the time, whatever its jobs cost', () => {
  const flow = fc.record({
    weight: fc.integer({ min: 1, max: 8 }),
    costs: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(flow, { minLength: 2, maxLength: 5 }), (all) => {
      const queue = new FairQueue<Named>();
      const flows = all.map(({ weight }) => new Flow<Named>(weight));
      const had = all.map(() => 0);
      const given = all.map(() => 0);
      const refill = (of: number): void => {
        const costs = all[of]?.costs ?? [];
        const cost = costs[(given[of] ?? 0) % costs.length] ?? 1;
        given[of] = (given[of] ?? 0) + 1;
        queue.push(flows[of] as Flow<Named>, job(of, cost));
      };
      for (const of of all.keys()) for (let i = 0; i < 2; i++) refill(of);
      for (let i = 0; i < 500; i++) {
        const next = queue.next() as Flow<Named>;
        const taken = queue.take(next) as Named;
        queue.charge(next, taken.costMs);
        had[taken.of] = (had[taken.of] ?? 0) + taken.costMs;
        refill(taken.of);
        // Normalized by weight no two are further apart than one job of each.
        const parts = had.map((ms, of) => ms / (all[of]?.weight ?? 1));
        const slack = Math.max(...all.map(({ weight }) => 20 / weight));
        assert.ok(Math.max(...parts) - Math.min(...parts) <= 2 * slack, parts.join());
      }
    }),
    { numRuns: 50 },
  );
});

test('whoever was quiet comes next, and has saved up nothing', () => {
  const queue = new FairQueue<Named>();
  const noisy = new Flow<Named>(1);
  const quiet = new Flow<Named>(1);
  for (let i = 0; i < 100; i++) queue.push(noisy, job(0, 1));
  const order: number[] = [];
  const step = (): void => {
    const next = queue.next() as Flow<Named>;
    const taken = queue.take(next) as Named;
    queue.charge(next, taken.costMs);
    order.push(taken.of);
  };
  for (let i = 0; i < 50; i++) step();
  for (let i = 0; i < 10; i++) queue.push(quiet, job(1, 1));
  for (let i = 0; i < 6; i++) step();
  const late = order.slice(50);
  assert.equal(late.indexOf(1) <= 1, true);
  assert.equal(late.filter((of) => of === 1).length, 3);
});

test('of one tenant, short jobs and the parts of one long job take turns', () => {
  const queue = new FairQueue<Named>();
  const flow = new Flow<Named>(1);
  for (const one of [job(1, 1, true), job(2, 1, true), job(3, 1), job(4, 1), job(5, 1)]) {
    queue.push(flow, one);
  }
  const order: number[] = [];
  let parts = 0;
  for (let taken = queue.take(flow); taken !== undefined; taken = queue.take(flow)) {
    order.push(taken.of);
    if (taken.of === 1 && parts++ < 2) queue.goOn(flow, taken);
  }
  assert.deepEqual(order, [3, 1, 4, 1, 5, 1, 2]);
  assert.deepEqual([queue.length, queue.bytes, flow.expectedMs, queue.next()], [0, 0, 0, null]);
});

test('room is made by whoever holds most, and never for itself', () => {
  const queue = new FairQueue<Named>();
  const large = new Flow<Named>(1);
  const small = new Flow<Named>(1);
  for (let i = 0; i < 5; i++) queue.push(large, job(i, 1));
  queue.push(small, job(9, 1));
  assert.equal(queue.pushOut(small, 10)?.of, 4);
  assert.equal(queue.pushOut(large, 10), null);
  assert.equal(queue.pushOut(small, 100), null);
  assert.deepEqual([queue.length, queue.bytes], [5, 50]);
  assert.deepEqual(
    queue.takeOut(({ of }) => of % 2 === 1).map(({ of }) => of),
    [1, 3, 9],
  );
  assert.deepEqual([queue.length, large.length, small.length], [2, 2, 0]);
});
