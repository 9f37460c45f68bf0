import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { CheckpointFile } from '../../src/store/checkpoint-file.ts';
import {
  type CheckpointWriter,
  InlineCheckpointWriter,
} from '../../src/store/checkpoint-writer.ts';
import { lmdbState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine, type StreamEngineOptions } from '../../src/stream/stream-engine.ts';
import { compareStates } from './compare.ts';
import { BatchMaker, type Probe, planOf, randomGroup } from './world.ts';

const SOURCES = ['clicks'];

class Bench {
  readonly random = seededRandom(7);
  readonly maker = new BatchMaker(this.random, SOURCES);
  readonly probes: Probe[] = [1, 2, 3].flatMap((n) => randomGroup(this.random, 'clicks', `g${n}`));
  readonly folder: string;
  firstCommit = 1;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'asof-engine-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    this.folder = join(folder, 'state');
  }

  open(more: Partial<StreamEngineOptions> = {}): Promise<StreamEngine> {
    const { maker } = this;
    return StreamEngine.open({
      plan: planOf(SOURCES, this.probes),
      state: lmdbState(this.folder),
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

/** Fails its first transaction as a full disk does. */
class FailingOnce implements CheckpointWriter {
  readonly #inner: InlineCheckpointWriter;
  #failed = false;

  constructor(folder: string) {
    this.#inner = new InlineCheckpointWriter(CheckpointFile.open(folder));
  }

  add(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#failed) this.#inner.add(chunk);
  }

  commit(
    commit: Parameters<CheckpointWriter['commit']>[0],
  ): ReturnType<CheckpointWriter['commit']> {
    if (this.#failed) return this.#inner.commit(commit);
    this.#failed = true;
    return Promise.reject(new Error('no space left on device'));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

test('what a failed checkpoint did not save, the next one saves', async (t) => {
  const bench = new Bench(t);
  const engine = await bench.open({
    state: lmdbState(bench.folder, (folder) => new FailingOnce(folder)),
  });
  bench.feed(engine, 20);
  await assert.rejects(engine.checkpoint());
  const saved = await engine.checkpoint();
  assert.ok(saved.rows > 0);
  await engine.abandon();
  const reopened = await bench.open();
  assert.equal(reopened.metrics.rowsLoaded, saved.rows);
  assert.equal(reopened.metrics.eventsReplayed, 0);
  bench.compare(reopened);
  await reopened.close();
});

test('a checkpoint on its own thread holds the state as of its commit, whatever comes meanwhile', async (t) => {
  const bench = new Bench(t);
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
  assert.ok(reopened.metrics.rowsLoaded > 0);
  assert.ok(reopened.metrics.eventsReplayed > 0);
  bench.compare(reopened);
  await reopened.close();
  const again = await bench.open();
  assert.equal(again.metrics.eventsReplayed, 0);
  bench.compare(again);
  await again.close();
});

test('only what changed is written', async (t) => {
  const bench = new Bench(t);
  const engine = await bench.open();
  bench.feed(engine, 50);
  const first = await engine.checkpoint();
  bench.feed(engine, 1);
  const second = await engine.checkpoint();
  assert.ok(second.rows + second.deletes < first.rows, `${second.rows} of ${first.rows}`);
  await engine.close();
});

test('commits are dense: a repeated one is ignored, a gap is a defect', async (t) => {
  const bench = new Bench(t);
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

test('an unknown tile group is a clear error', async (t) => {
  const engine = await new Bench(t).open();
  assert.throws(() => engine.store.group('nope'), { code: 'unknown_name', message: /'nope'/ });
  await engine.close();
});

test('a state ahead of the log, and a log that begins too late, are refused', async (t) => {
  const bench = new Bench(t);
  const engine = await bench.open();
  bench.feed(engine, 10);
  await engine.close();
  const log = { firstCommit: 1, lastCommit: 9, read: () => [] };
  await assert.rejects(bench.open({ log }), { code: 'corrupt_log', remedy: /Restore the log/ });
  rmSync(bench.folder, { recursive: true, force: true });
  bench.firstCommit = 5;
  await assert.rejects(bench.open(), { code: 'corrupt_log', message: /begins at commit 5/ });
});

test('an engine that was taken over cannot write any more', async (t) => {
  const bench = new Bench(t);
  const old = await bench.open();
  bench.feed(old, 3);
  const next = await bench.open();
  await assert.rejects(old.checkpoint(), { code: 'directory_in_use' });
  await old.abandon();
  bench.compare(next);
  await next.close();
});

test('a broken row and a newer format are told, with what to do', async (t) => {
  const bench = new Bench(t);
  const engine = await bench.open();
  bench.feed(engine, 10);
  await engine.close();
  const file = CheckpointFile.open(bench.folder);
  const meta = file.claim();
  const [group] = meta.groups;
  assert.ok(group !== undefined);
  const groups = [{ ...group, rows: group.rows + 1 }, ...meta.groups.slice(1)];
  const baseCommit = meta.position.commit;
  file.write([], { meta: { ...meta, groups }, baseCommit, dropped: [] });
  await file.close();
  await assert.rejects(bench.open(), { code: 'corrupt_state', remedy: /Delete the state/ });
  const again = CheckpointFile.open(bench.folder);
  const claimed = again.claim();
  again.write([], { meta: { ...claimed, format: 2 }, baseCommit, dropped: [] });
  await again.close();
  await assert.rejects(bench.open(), { code: 'newer_format', remedy: /Upgrade/ });
});
