import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throttle } from '../../src/app/throttle.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { diskState } from '../../src/store/state-store.ts';
import { checkpointPolicy } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { compareStates } from './compare.ts';
import { BatchMaker, planOf, randomGroup } from './world.ts';

const SOURCES = ['clicks'];
const UNSAVED = 600;

/** An engine whose state lies on a disk of its own, which can fail while the log goes on. */
async function world() {
  const random = seededRandom(11);
  const disk = new MemoryDisk(random);
  const maker = new BatchMaker(random, SOURCES);
  const probes = [1, 2].flatMap((n) => randomGroup(random, 'clicks', `g${n}`));
  const clock = new ManualClock(1_000);
  const engine = await StreamEngine.open({
    plan: planOf(SOURCES, probes),
    state: diskState({ disk, folder: 'state' }),
    log: { firstCommit: 1, lastCommit: 0, read: () => [] },
    history: null,
    clock,
    logger: silentLogger,
    policy: checkpointPolicy({ events: 50, rows: 1_000_000, afterMs: 1_000 }),
    unsavedEvents: UNSAVED,
  });
  const log = await EventLog.open({ disk: new MemoryDisk(random), schemas: [] });
  const waits: number[] = [];
  const pause = async (waitMs: number): Promise<void> => {
    waits.push(waitMs);
  };
  const throttle = new Throttle({ onStoreFailure: 'slow' }, log, pause);
  const unsaved = (): number => {
    const [events] = engine.saving.stages;
    return events?.used ?? 0;
  };
  /** One push as the platform takes it; null, or why it was refused. */
  const push = async (): Promise<string | null> => {
    try {
      await throttle.admit(engine, 'clicks');
    } catch (error) {
      return (error as { code: string }).code;
    }
    engine.apply(maker.next());
    await new Promise((resolve) => setImmediate(resolve));
    return null;
  };
  const compare = (): void => compareStates(engine.store, probes, maker, random);
  return { engine, disk, clock, throttle, push, unsaved, waits, compare, maker };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('a store that fails is left alone, fills its bound, and pushes are slowed, then refused', async () => {
  const { engine, disk, clock, throttle, push, unsaved, waits, compare, maker } = await world();
  while (maker.batches.length < 40) assert.equal(await push(), null);
  await settle();
  assert.ok(engine.metrics.checkpoints > 0);
  assert.equal(throttle.status(engine).breaker, 'closed');

  disk.failAt({ atOperation: disk.operations + 1, fault: 'io', count: 1_000_000 });
  let pushes = 0;
  while ((await push()) === null) {
    pushes += 1;
    assert.ok(pushes < 10_000, 'the bound is met');
  }
  assert.equal(await push(), 'overloaded');
  assert.equal(throttle.status(engine).breaker, 'open');
  assert.ok(engine.metrics.checkpointFailures <= 3, 'the breaker keeps attempts away');
  assert.ok(unsaved() >= UNSAVED && unsaved() < UNSAVED + 200, `${unsaved()} unsaved`);
  assert.ok(waits.length > 3, 'pushes were slowed before they were refused');
  assert.deepEqual(
    waits.toSorted((a, b) => a - b),
    waits,
    'the fuller, the longer',
  );
  // Reads go on from what has been applied, and it is all there.
  compare();

  disk.failAt();
  clock.advanceTo(clock.nowMs() + 500_000);
  engine.poll();
  await settle();
  assert.equal(throttle.status(engine).breaker, 'closed');
  assert.equal(unsaved(), 0);
  assert.equal(await push(), null, 'it drains, and pushes go on');
  const { pushesRefused, pushesSlowed, ratio } = throttle.status(engine);
  assert.equal(pushesRefused, 2);
  assert.ok(pushesSlowed >= waits.length);
  assert.ok(ratio < 0.5);
  compare();
  await engine.close();
});

test('where it is declared so, pushes go on while the store fails', async () => {
  const { engine, disk, push, unsaved, maker } = await world();
  const log = await EventLog.open({ disk: new MemoryDisk(seededRandom(1)), schemas: [] });
  const throttle = new Throttle({ onStoreFailure: 'continue' }, log, () => Promise.resolve());
  disk.failAt({ atOperation: disk.operations + 1, fault: 'io', count: 1_000_000 });
  while ((await push()) === null) assert.ok(maker.batches.length < 10_000);
  await throttle.admit(engine, 'clicks');
  assert.ok(throttle.status(engine).ratio >= 1, 'and the ratio says so');
  assert.ok(unsaved() >= UNSAVED);
  await engine.abandon();
});
