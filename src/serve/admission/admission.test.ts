import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { seededRandom } from '../../base/random.ts';
import { NO_QUOTA } from './quota.ts';
import { type Arrival, arrivals, latencyMs, SimulatedServer } from './simulated-server.fixture.ts';

/** About what the benchmarks show: a small answer is 0.1 ms, and sending one away is cheaper. */
const COSTS = { parseMs: 0.02, refuseMs: 0.015, rowMs: 0.01 };
const NOISY = { ...NO_QUOTA, requests: 500 };

function simulate(quotas: object, all: readonly Arrival[]): SimulatedServer {
  const server = new SimulatedServer({ ...quotas }, COSTS);
  server.run(all);
  return server;
}

test('a noisy tenant at ten times its quota moves the p99 of another by at most 1.5 times', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 500, max: 2_000 }), (seed, perSecond) => {
      const random = seededRandom(seed).next;
      const request = { rows: 10, timeoutMs: 1_000, seconds: 8 };
      const quiet = arrivals(random, { ...request, namespace: 'quiet', perSecond });
      const noisy = arrivals(random, { ...request, namespace: 'noisy', perSecond: 5_000 });
      // What was saved up for a burst is spent first.
      const settled = (server: SimulatedServer) =>
        server.outcomes.filter(({ atMs }) => atMs > 2_000);
      const alone = latencyMs(settled(simulate({ noisy: NOISY }, quiet)), 'quiet');
      const server = simulate({ noisy: NOISY }, [...quiet, ...noisy]);
      const beside = latencyMs(settled(server), 'quiet');
      assert.ok(beside <= 1.5 * alone, `${beside} ms beside ${alone} ms`);
      const [held] = server.admission.status().filter(({ namespace }) => namespace === 'noisy');
      assert.ok((held?.admitted ?? 0) <= 500 * 9 + 1);
      assert.ok((held?.refused.requests ?? 0) > 8 * 4_000);
    }),
    { numRuns: 3 },
  );
});

test('the same without a quota would not hold: the test can fail', () => {
  const random = seededRandom(1).next;
  const request = { rows: 10, timeoutMs: 1_000, seconds: 8 };
  const quiet = arrivals(random, { ...request, namespace: 'quiet', perSecond: 1_000 });
  const noisy = arrivals(random, { ...request, namespace: 'noisy', perSecond: 5_000 });
  const alone = latencyMs(simulate({}, quiet).outcomes, 'quiet');
  const beside = latencyMs(simulate({}, [...quiet, ...noisy]).outcomes, 'quiet');
  assert.ok(beside > 2 * alone);
});

test('where all ask for more than there is, each gets its share by weight, and nobody waits long', () => {
  const quotas = { a: { ...NO_QUOTA, weight: 3 }, b: NO_QUOTA };
  const random = seededRandom(7).next;
  const request = { rows: 40, timeoutMs: 500, perSecond: 4_000, seconds: 5 };
  const server = simulate(quotas, [
    ...arrivals(random, { ...request, namespace: 'a' }),
    ...arrivals(random, { ...request, namespace: 'b' }),
  ]);
  const answered = (namespace: string): Arrival[] =>
    server.outcomes.filter((one) => one.isAnswered && one.namespace === namespace);
  const ratio = answered('a').length / answered('b').length;
  assert.ok(ratio > 2.5 && ratio < 3.5, `a gets ${ratio} times as much as b`);
  for (const one of server.outcomes) {
    if (one.isAnswered) assert.ok(one.endMs - one.atMs < 500 + 10, 'answered within the deadline');
  }
  const waiting = server.admission.status().reduce((sum, one) => sum + one.waiting, 0);
  assert.equal(waiting, 0);
});

test('a request of 10 000 rows is done in parts, between which others are answered', () => {
  const small = Array.from({ length: 100 }, (_, at) => ({
    ...{ atMs: 0.5 + at, namespace: 'quiet', rows: 1, timeoutMs: 1_000 },
  }));
  const large = { atMs: 0, namespace: 'noisy', rows: 10_000, timeoutMs: 1_000 };
  const server = simulate({}, [large, ...small]);
  const { outcomes } = server;
  assert.equal(outcomes.filter((one) => one.isAnswered).length, 101);
  assert.ok(latencyMs(outcomes, 'quiet', 1) < LIMITS.turnMs + 32 * COSTS.rowMs + 0.5);
  assert.ok(latencyMs(outcomes, 'noisy') > 100);
});

test('each quota refuses by its own reason, with the time after which it is met', () => {
  const cases = [
    ['requests', { requests: 10 }, 1],
    ['rows', { rows: 100 }, 10],
    ['cpu', { cpuMs: 5 }, 50],
  ] as const;
  for (const [reason, quota, rows] of cases) {
    const server = new SimulatedServer({ '*': { ...NO_QUOTA, ...quota } }, COSTS);
    const { admission } = server;
    const tenant = admission.tenant('some');
    const ask = (): AsofError | null => {
      try {
        admission.enter(tenant, rows, server.nowMs);
        admission.done(tenant, rows, rows * COSTS.rowMs, server.nowMs);
        return null;
      } catch (error) {
        assert.ok(error instanceof AsofError);
        return error;
      }
    };
    let taken = 0;
    let refusal = ask();
    for (; refusal === null && taken < 1_000; taken++) refusal = ask();
    assert.equal(taken, 10, reason);
    assert.equal(refusal?.code, 'quota_exceeded');
    assert.equal(refusal?.path?.startsWith('serving.quotas.some.'), true);
    const waitMs = refusal?.retryAfterMs ?? 0;
    assert.ok(waitMs > 0 && waitMs <= 100, `${reason}: ${waitMs}`);
    server.nowMs += waitMs;
    assert.equal(ask(), null, `${reason} after the wait`);
    assert.equal(admission.status()[0]?.refused[reason], 1);
    admission.use({ '*': NO_QUOTA });
    assert.equal(ask(), null, `${reason} with a larger quota`);
  }
});

test('what waits has bounds: the newest of the largest is sent away for others', async () => {
  const server = new SimulatedServer({}, COSTS);
  const { admission } = server;
  const rows = 10_000;
  const refused: string[] = [];
  const ask = (namespace: string): void => {
    const tenant = admission.tenant(namespace);
    assert.equal(admission.enter(tenant, rows, 0), false);
    const asked = { rows, deadlineMs: 1_000, prepare: null, answer: () => 'answer' };
    admission.wait(tenant, asked).catch((error: unknown) => {
      assert.ok(error instanceof AsofError && error.code === 'overloaded');
      refused.push(namespace);
    });
  };
  const room = Math.floor(LIMITS.queuedBytes / (rows * LIMITS.queuedRowBytes + 1_024));
  for (let i = 0; i < room + 5; i++) ask('large');
  for (let i = 0; i < 3; i++) ask('small');
  await Promise.resolve();
  assert.deepEqual(refused, Array<string>(8).fill('large'));
  const waiting = admission.status().map((one) => [one.namespace, one.waiting, one.refused.queue]);
  assert.deepEqual(waiting, [
    ['large', room - 3, 8],
    ['small', 3, 0],
  ]);
  server.run([]);
  assert.deepEqual(
    admission.status().map(({ waiting: now }) => now),
    [0, 0],
  );
});

test('nobody waits longer than asked, though nothing is taken from the queue', async () => {
  const server = new SimulatedServer({}, COSTS);
  const { admission } = server;
  const tenant = admission.tenant('some');
  const ended = Promise.withResolvers<void>();
  for (let i = 0; i < LIMITS.requestsUnderWay; i++) admission.whileUnderWay(ended.promise);
  assert.equal(admission.enter(tenant, 1, 0), false);
  const asked = { rows: 1, deadlineMs: 200, prepare: null, answer: () => 'answer' };
  const late = admission.wait(tenant, asked);
  server.run([]);
  await assert.rejects(late, { code: 'overloaded' });
  assert.equal(admission.status()[0]?.refused.late, 1);
  assert.ok(server.nowMs < 300);
  admission.enter(tenant, 1, server.nowMs);
  const next = admission.wait(tenant, { ...asked, deadlineMs: 5_000 });
  ended.resolve();
  await Promise.resolve();
  server.run([]);
  assert.equal(await next, 'answer');
});

test('a tenant that asks alone is never made to wait, however busy the thread is', () => {
  const server = new SimulatedServer({}, COSTS);
  const { admission } = server;
  const tenant = admission.tenant('some');
  const other = admission.tenant('other');
  let waits = 0;
  for (let nowMs = 0; nowMs < 2_000; nowMs += 0.1) {
    if (!admission.enter(tenant, 10, nowMs) && nowMs > 1_001) waits += 1;
    admission.done(tenant, 10, 0.1, nowMs + 0.1);
  }
  assert.equal(waits, 0);
  admission.enter(other, 1, 2_000);
  admission.done(other, 1, 0.1, 2_000.1);
  assert.equal(admission.enter(tenant, 1, 2_000.1), false);
});

test('a delay that is over refuses nobody where nobody waits', async () => {
  const server = new SimulatedServer({}, COSTS);
  const { admission } = server;
  const tenant = admission.tenant('some');
  admission.noteDelay(5_000);
  const ask = (): Promise<string> => {
    assert.equal(admission.enter(tenant, 1, 0), false, 'it has its turn after what has come in');
    const asked = { rows: 1, deadlineMs: 500, prepare: null, answer: () => 'answer' };
    return admission.wait(tenant, asked);
  };
  const first = ask();
  await assert.rejects(ask(), { code: 'overloaded' });
  server.run([]);
  assert.equal(await first, 'answer');
});
