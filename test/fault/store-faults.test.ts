import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../src/base/limits.ts';
import { checkFaultyAnswer, type Seen } from './check-answer.ts';
import { FaultWorld } from './fault-world.ts';
import { FAULTS, type Fault } from './faulty-rows.ts';

const RUNS = 6;
const STEPS = 60;

/** Answers end by their deadlines; the clock of the simulation moves in steps of tasks. */
const SLACK_MS = 0.001;

async function askRandomly(world: FaultWorld, seen: Seen): Promise<void> {
  const { random, timers } = world;
  const name = random.pick(world.services);
  const keys = Array.from({ length: 1 + random.below(5) }, () => world.randomKey());
  const timeoutMs = random.below(3) === 0 ? undefined : 2 + random.below(120);
  const beforeMs = timers.nowMs();
  const response = await world.ask(name, keys, timeoutMs);
  const mostMs =
    timeoutMs ?? world.serviceNamed(name).serving?.timeoutMs ?? LIMITS.requestTimeoutMs;
  const tookMs = timers.nowMs() - beforeMs;
  assert.ok(tookMs <= mostMs + SLACK_MS, `${name} took ${tookMs} of ${mostMs} ms`);
  checkFaultyAnswer(world, response, keys, seen);
}

for (const fault of FAULTS) {
  test(`a store that is ${fault}: every answer is in time, and nothing in it is wrong`, async () => {
    const seen: Seen = new Map();
    for (let seed = 1; seed <= RUNS; seed++) {
      const world = new FaultWorld(seed * 31);
      const { random, timers, faulty } = world;
      // At the start, in the middle, at the end, or again and again.
      const when = (step: number): boolean =>
        [step < 20, step > 20 && step < 40, step > 40, random.below(4) === 0][seed % 4] ?? false;
      if (seed % 3 !== 0) await world.feed(20);
      for (let step = 0; step < STEPS; step++) {
        faulty.fault = when(step) ? fault : 'well';
        if (random.below(3) === 0) await world.feed(1 + random.below(10));
        await askRandomly(world, seen);
        await timers.pass(random.below(300));
      }
      faulty.fault = 'well';
      await recovers(world);
    }
    assert.ok((seen.get('present') ?? 0) > 0);
    if (['away', 'hangs', 'throws'].includes(fault)) {
      assert.ok((seen.get('error') ?? 0) > 0 && (seen.get('stale') ?? 0) > 0, [...seen].join());
    }
  });
}

/** Once it is well again it is asked again, soon, and everything is there. */
async function recovers(world: FaultWorld): Promise<void> {
  const { timers } = world;
  await world.feed(3);
  await timers.pass(LIMITS.storeProbeMs + LIMITS.storeMaxOpenMs);
  await world.ask('plain', [world.randomKey()]);
  await timers.pass(10);
  const keys = [world.randomKey(), world.randomKey()];
  const seen: Seen = new Map();
  const response = await world.ask('plain', keys);
  checkFaultyAnswer(world, response, keys, seen);
  assert.equal(response.position.commit, world.engine.store.applied.commit);
  assert.equal(seen.get('timeout'), undefined);
  assert.equal(world.guarded.status.state, 'closed');
}

test('faults that change all the time', async () => {
  const seen: Seen = new Map();
  for (let seed = 1; seed <= RUNS; seed++) {
    const world = new FaultWorld(seed * 97);
    const { random, timers, faulty } = world;
    await world.feed(20);
    for (let step = 0; step < 3 * STEPS; step++) {
      faulty.fault = random.below(2) === 0 ? 'well' : random.pick<Fault>(FAULTS);
      if (random.below(5) === 0) await world.feed(1 + random.below(10));
      const many = Array.from({ length: 1 + random.below(4) }, () => askRandomly(world, seen));
      await Promise.all(many);
      await timers.pass(random.below(1_500));
    }
    faulty.fault = 'well';
    await recovers(world);
  }
  for (const status of ['present', 'default', 'error', 'timeout', 'stale', 'failed']) {
    assert.ok((seen.get(status) ?? 0) > 0, `${status} was answered`);
  }
});

test('a store that is away costs few requests their time', async () => {
  for (const fault of ['hangs', 'slow', 'away'] as const) {
    const world = new FaultWorld(5);
    await world.feed(20);
    world.faulty.fault = fault;
    for (let i = 0; i < 200; i++) {
      await world.ask('plain', [world.randomKey()], 60);
      await world.timers.pass(10);
    }
    const waited = world.waits.filter((waitMs) => waitMs > 55).length;
    const most = fault === 'slow' ? 150 : LIMITS.storeFailures;
    assert.ok(waited <= most, `${waited} requests waited for a store that ${fault}`);
    assert.ok(Math.max(...world.waits) <= 60 + SLACK_MS);
  }
});

test('clocks that jump change no deadline, and time never runs back', async () => {
  const seen: Seen = new Map();
  for (let seed = 1; seed <= RUNS; seed++) {
    const world = new FaultWorld(seed * 7);
    const { random, clock, faulty } = world;
    await world.feed(20);
    let lastMs = 0;
    for (let step = 0; step < STEPS; step++) {
      clock.jump((random.below(2) === 0 ? 1 : -1) * random.below(5) * 3_600_000);
      faulty.fault = random.pick<Fault>(['well', 'well', 'hangs', 'away']);
      if (random.below(4) === 0) await world.feed(5);
      const keys = [world.randomKey()];
      const response = await world.ask(random.pick(world.services), keys, 40);
      assert.ok((world.waits.at(-1) ?? 0) <= 40 + SLACK_MS);
      assert.ok(response.asOfMs >= lastMs, 'time never runs back');
      lastMs = response.asOfMs;
      checkFaultyAnswer(world, response, keys, seen);
      await world.timers.pass(random.below(400));
    }
    faulty.fault = 'well';
    await recovers(world);
  }
  assert.ok((seen.get('present') ?? 0) > 0);
});
