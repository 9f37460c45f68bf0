import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import type { StreamEngineOptions } from '../../src/stream/stream-engine-options.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { compareStates } from './compare.ts';
import { BatchMaker, type Probe, planOf, randomGroup } from './world.ts';

const SOURCES = ['clicks'];

class Bench {
  readonly random = seededRandom(7);
  readonly disk = new MemoryDisk(this.random);
  readonly maker = new BatchMaker(this.random, SOURCES);
  readonly probes: Probe[] = [1, 2, 3].flatMap((n) => randomGroup(this.random, 'clicks', `g${n}`));
  firstCommit = 1;

  open(more: Partial<StreamEngineOptions> = {}): Promise<StreamEngine> {
    const { maker } = this;
    return StreamEngine.open({
      plan: planOf(SOURCES, this.probes),
      state: diskState({ disk: this.disk, folder: 'state' }),
      log: {
        firstCommit: this.firstCommit,
        lastCommit: maker.batches.length,
        read: (after) => maker.batches.slice(after),
      },
      history: null,
      clock: new ManualClock(0),
      logger: silentLogger,
      policy: neverCheckpoint,
      ...more,
    });
  }

  compare(engine: StreamEngine): void {
    assert.equal(engine.store.applied.commit, this.maker.batches.length);
    compareStates(engine.store, this.probes, this.maker, this.random);
  }

  feed(engine: StreamEngine, batches: number): void {
    for (let i = 0; i < batches; i++) engine.apply(this.maker.next());
  }
}

test('what a failed checkpoint did not save, the next one saves', async () => {
  const bench = new Bench();
  const engine = await bench.open();
  bench.feed(engine, 20);
  bench.disk.failAt({ atOperation: bench.disk.operations + 4, fault: 'full' });
  await assert.rejects(engine.checkpoint(), { code: 'disk_full' });
  const saved = await engine.checkpoint();
  assert.ok(saved.rows > 0);
  await engine.abandon();
  const reopened = await bench.open();
  assert.equal(reopened.metrics.eventsReplayed, 0);
  assert.equal(reopened.metrics.rowsLoaded, 0);
  bench.compare(reopened);
  assert.equal(reopened.metrics.rowsLoaded, saved.rows);
  await reopened.close();
});

test('a checkpoint holds the state as of its commit, whatever comes meanwhile', async () => {
  const bench = new Bench();
  const engine = await bench.open({ sliceBytes: 1 });
  bench.feed(engine, 30);
  const taken = engine.checkpoint();
  let turns = 0;
  while (engine.checkpointedCommit === 0) {
    if (turns < 40) bench.feed(engine, 1);
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const stats = await taken;
  assert.equal(stats.commit, 30);
  assert.ok(stats.copies > 0);
  await engine.abandon();
  const reopened = await bench.open();
  assert.ok(reopened.metrics.eventsReplayed > 0);
  bench.compare(reopened);
  assert.ok(reopened.metrics.rowsLoaded > 0);
  await reopened.close();
  const again = await bench.open();
  assert.equal(again.metrics.eventsReplayed, 0);
  bench.compare(again);
  await again.close();
});

test('only what changed is written', async () => {
  const bench = new Bench();
  const engine = await bench.open();
  bench.feed(engine, 50);
  const first = await engine.checkpoint();
  bench.feed(engine, 1);
  const second = await engine.checkpoint();
  assert.ok(second.rows < first.rows, `${second.rows} of ${first.rows}`);
  await engine.close();
});

test('commits are dense: a repeated one is ignored, a gap is a defect', async () => {
  const bench = new Bench();
  const engine = await bench.open();
  const first = bench.maker.next();
  bench.maker.next();
  const third = bench.maker.next();
  engine.apply(first);
  engine.apply(first);
  assert.equal(engine.metrics.batchesIgnored, 1);
  assert.throws(() => engine.apply(third), /commit 2 is next, not 3/);
  await engine.abandon();
});

test('an unknown tile group is a clear error', async () => {
  const engine = await new Bench().open();
  assert.throws(() => engine.store.group('nope'), { code: 'unknown_name', message: /'nope'/ });
  await engine.close();
});

test('a state ahead of the log, and a log that begins too late, are refused', async () => {
  const bench = new Bench();
  const engine = await bench.open();
  bench.feed(engine, 10);
  await engine.close();
  const log = { firstCommit: 1, lastCommit: 9, read: () => [] };
  await assert.rejects(bench.open({ log }), { code: 'corrupt_log', remedy: /Restore the log/ });
  diskState({ disk: bench.disk, folder: 'state' }).wipe();
  bench.firstCommit = 5;
  await assert.rejects(bench.open(), { code: 'corrupt_log', message: /begins at commit 5/ });
});

test('an engine that was taken over cannot write any more', async () => {
  const bench = new Bench();
  const old = await bench.open();
  bench.feed(old, 3);
  const next = await bench.open();
  await assert.rejects(old.checkpoint(), { code: 'directory_in_use' });
  await old.abandon();
  bench.compare(next);
  await next.close();
});
