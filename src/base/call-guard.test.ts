import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CallGuard, type GuardedCall } from './call-guard.ts';
import { seededRandom } from './random.ts';
import { SimulatedTimers } from './simulated-timers.fixture.ts';

type Answer = 'well' | 'failed' | 'open' | 'busy' | 'late';

function world(change: Partial<ConstructorParameters<typeof CallGuard>[0]> = {}) {
  const timers = new SimulatedTimers();
  const guard = new CallGuard({
    ...{ timers, random: seededRandom(1), failures: 3, openMs: 100, maxOpenMs: 400 },
    ...{ probeMs: 80, patienceMs: 20, concurrent: 4 },
    ...change,
  });
  /** What the other side does, and how often it was asked. */
  const side = { calls: 0, does: (): Promise<Answer> | Answer => 'well' };
  const call: GuardedCall<Answer> = {
    run: () => {
      side.calls += 1;
      return side.does();
    },
    isFailure: (answer) => answer === 'failed',
    refused: (refusal) => refusal,
  };
  const ask = async (timeoutMs = 50): Promise<[Answer, number]> => {
    const startMs = timers.nowMs();
    const answer = await timers.until(guard.run(startMs + timeoutMs, call));
    return [answer, timers.nowMs() - startMs];
  };
  return { timers, guard, side, ask, call };
}

const never = () => new Promise<never>(() => {});

describe('CallGuard', () => {
  it('gives every caller an answer by its deadline, and after some none waits at all', async () => {
    const { side, ask, guard } = world();
    side.does = never;
    for (let i = 0; i < 3; i++) assert.deepEqual(await ask(), ['late', 50]);
    assert.equal(guard.status.state, 'open');
    for (let i = 0; i < 3; i++) assert.deepEqual(await ask(), ['open', 0]);
    assert.equal(side.calls, 3);
  });

  it('finds out by calls of its own when the other side is well again', async () => {
    const { side, ask, guard, timers } = world();
    side.does = never;
    for (let i = 0; i < 3; i++) await ask();
    await timers.pass(100);
    assert.deepEqual(await ask(), ['open', 0], 'the probe is nobody’s');
    assert.equal(side.calls, 4);
    assert.deepEqual(await ask(), ['open', 0], 'one probe at a time');
    assert.equal(side.calls, 4);
    await timers.pass(80);
    assert.equal(guard.status.state, 'open', 'the probe failed');
    side.does = () => 'well';
    await timers.pass(200);
    assert.deepEqual(await ask(), ['open', 0]);
    assert.deepEqual(await ask(), ['well', 0]);
    assert.equal(guard.status.state, 'closed');
  });

  it('does not take short deadlines for failures, but looks whether they are', async () => {
    const { side, ask, timers, guard } = world();
    side.does = () => timers.wait(30).then((): Answer => 'well');
    for (let i = 0; i < 3; i++) assert.deepEqual(await ask(10), ['late', 10]);
    assert.equal(side.calls, 4, 'three callers and a probe');
    await timers.pass(100);
    assert.equal(guard.status.state, 'closed', 'it is slow, and not away');
    assert.deepEqual(await ask(), ['well', 30]);
    side.does = never;
    for (let i = 0; i < 3; i++) await ask(10);
    await timers.pass(80);
    assert.equal(guard.status.state, 'open');
  });

  it('bounds what is under way, what nobody waits for any more included', async () => {
    const { side, ask, guard, call, timers } = world({ failures: 100 });
    const ends: (() => void)[] = [];
    side.does = () => new Promise((resolve) => ends.push(() => resolve('well')));
    const asked = [1, 2, 3, 4].map(() => guard.run(timers.nowMs() + 50, call));
    assert.deepEqual(await ask(), ['busy', 0]);
    await timers.pass(50);
    assert.deepEqual(await Promise.all(asked), ['late', 'late', 'late', 'late']);
    assert.deepEqual(await ask(), ['busy', 0]);
    for (const end of ends) end();
    await timers.pass(0);
    assert.equal(guard.status.underWay, 0);
    side.does = () => 'well';
    assert.deepEqual(await ask(), ['well', 0]);
  });

  it('begins nothing that is past its deadline', async () => {
    const { side, ask } = world();
    assert.deepEqual(await ask(0), ['late', 0]);
    assert.equal(side.calls, 0);
  });

  it('is synchronous where the other side is, and hands on what is thrown', () => {
    const { side, guard, call, timers } = world();
    assert.equal(guard.run(timers.nowMs() + 1, call), 'well');
    side.does = () => {
      throw new Error('away');
    };
    for (let i = 0; i < 3; i++) {
      assert.throws(() => guard.run(timers.nowMs() + 50, call), /away/);
    }
    assert.equal(guard.run(timers.nowMs() + 50, call), 'open');
    assert.equal(timers.waiting, 0);
  });

  it('takes results and errors for what they are said to be', async () => {
    const { side, guard, call, timers, ask } = world();
    side.does = () => 'failed';
    for (let i = 0; i < 3; i++) assert.deepEqual(await ask(), ['failed', 0]);
    assert.equal(guard.status.state, 'open');
    const other = world();
    other.side.does = () => Promise.reject(new Error('of the caller'));
    for (let i = 0; i < 9; i++) {
      const run = other.guard.run(50, { ...other.call, isFault: () => false });
      await assert.rejects(Promise.resolve(run), /of the caller/);
    }
    assert.equal(other.guard.status.state, 'closed');
    assert.equal(call.refused('late'), 'late');
    assert.equal(timers.waiting, 0);
  });

  it('a side that comes and goes costs few callers their time', async () => {
    const { side, ask, timers } = world();
    const random = seededRandom(7);
    let isAway = false;
    side.does = () => (isAway ? never() : 'well');
    let waited = 0;
    for (let round = 0; round < 400; round++) {
      if (random.below(20) === 0) isAway = !isAway;
      const [answer, tookMs] = await ask();
      assert.ok(tookMs <= 50);
      assert.ok(answer !== 'well' || !isAway);
      if (tookMs > 0) waited += 1;
      await timers.pass(random.below(40));
    }
    assert.ok(waited < 60, `${waited} of 400 callers waited`);
  });
});
