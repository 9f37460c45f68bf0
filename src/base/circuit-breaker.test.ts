import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CircuitBreaker } from './circuit-breaker.ts';
import { ManualClock } from './clock.ts';
import { seededRandom } from './random.ts';

function breaker() {
  const clock = new ManualClock(1_000);
  const random = seededRandom(1);
  const options = { clock, random, failures: 3, openMs: 1_000, maxOpenMs: 4_000 };
  return { clock, breaker: new CircuitBreaker(options) };
}

/** The time until the next call is let through; the call has begun then. */
function waitMs(clock: ManualClock, one: CircuitBreaker): number {
  const fromMs = clock.nowMs();
  for (let ms = 0; ms <= 10_000; ms += 10) {
    clock.advanceTo(fromMs + ms);
    if (one.allows()) return ms;
  }
  throw new Error('nothing was let through for 10 s');
}

describe('CircuitBreaker', () => {
  it('opens after so many failures in a row, and no sooner', () => {
    const { breaker: one } = breaker();
    one.failed();
    one.failed();
    one.succeeded();
    one.failed();
    one.failed();
    assert.equal(one.state, 'closed');
    assert.ok(one.allows());
    one.failed();
    assert.equal(one.state, 'open');
    assert.ok(!one.allows());
    assert.equal(one.opened, 1);
  });

  it('lets one call through when the wait is over, which closes it', () => {
    const { clock, breaker: one } = breaker();
    for (let i = 0; i < 3; i++) one.failed();
    const waitedMs = waitMs(clock, one);
    assert.ok(waitedMs >= 500 && waitedMs <= 1_000, `${waitedMs} ms`);
    assert.equal(one.state, 'half_open');
    assert.ok(!one.allows(), 'a second call waits for the first');
    one.succeeded();
    assert.equal(one.state, 'closed');
    assert.ok(one.allows() && one.allows());
  });

  it('waits longer after each failed probe, up to a bound', () => {
    const { clock, breaker: one } = breaker();
    for (let i = 0; i < 3; i++) one.failed();
    const bounds = [1_000, 2_000, 4_000, 4_000];
    for (const boundMs of bounds) {
      const waitedMs = waitMs(clock, one);
      assert.ok(waitedMs >= boundMs / 2 && waitedMs <= boundMs, `${waitedMs} of ${boundMs}`);
      one.failed();
      assert.equal(one.state, 'open');
    }
    assert.equal(one.opened, 5);
    waitMs(clock, one);
    one.succeeded();
    for (let i = 0; i < 3; i++) one.failed();
    assert.ok(waitMs(clock, one) <= 1_000, 'a success forgets the long waits');
  });
});
