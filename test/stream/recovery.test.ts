import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState, type StateStore } from '../../src/store/state-store.ts';
import { checkpointPolicy, neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import type { CommittedLog, EventHistory, HistoryQuery } from '../../src/stream/event-history.ts';
import { newMetrics, type StreamMetrics } from '../../src/stream/metrics.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { CrashError, MemoryDisk } from '../../src/testing/memory-disk.ts';
import { compareStates } from './compare.ts';
import { BatchMaker, type Probe, planOf, randomGroup } from './world.ts';

const SOURCES = ['clicks', 'orders'];

/** The log and the archive of a run, both in memory: the archive has what the log has lost. */
class RunLog implements CommittedLog, EventHistory {
  readonly #maker: BatchMaker;
  firstCommit = 1;
  lastCommit = 0;

  constructor(maker: BatchMaker) {
    this.#maker = maker;
  }

  get through(): number {
    return this.firstCommit - 1;
  }

  *read(afterCommit: number): Iterable<EventBatch> {
    assert.ok(afterCommit + 1 >= this.firstCommit, 'the log no longer has these commits');
    yield* this.#maker.batches.slice(afterCommit, this.lastCommit);
  }

  async *batches(query: HistoryQuery): AsyncIterable<EventBatch> {
    const { source, fromArrivalMs = 0, throughCommit = this.through } = query;
    for (const batch of this.#maker.batches.slice(0, Math.min(this.through, throughCommit))) {
      if (source !== undefined && batch.source !== source) continue;
      if ((batch.arrivalTimeMs[0] ?? 0) >= fromArrivalMs) yield batch;
    }
  }
}

class Run {
  readonly random;
  readonly maker: BatchMaker;
  readonly log: RunLog;
  readonly clock = new ManualClock(0);
  readonly seen = { crashes: 0, failures: 0 };
  readonly totals = newMetrics();
  probes: Probe[];
  #disk: MemoryDisk;
  #engine: StreamEngine | null = null;
  #groups = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.#disk = new MemoryDisk(this.random);
    this.maker = new BatchMaker(this.random, SOURCES);
    this.log = new RunLog(this.maker);
    this.probes = [];
    for (let i = 0; i < 3; i++) this.addGroup();
  }

  get engine(): StreamEngine {
    assert.ok(this.#engine !== null);
    return this.#engine;
  }

  addGroup(): void {
    this.#groups += 1;
    const source = this.random.pick(SOURCES);
    this.probes = [...this.probes, ...randomGroup(this.random, source, `g${this.#groups}`)];
  }

  dropGroup(): void {
    const { id } = this.random.pick(this.probes).group;
    const rest = this.probes.filter((probe) => probe.group.id !== id);
    if (rest.length > 0) this.probes = rest;
  }

  async open(): Promise<void> {
    const events = 1 + this.random.below(40);
    this.#engine = await StreamEngine.open({
      plan: planOf(SOURCES, this.probes),
      state: this.#state(),
      log: this.log,
      history: this.log,
      clock: this.clock,
      logger: silentLogger,
      policy:
        this.random.below(2) === 0
          ? neverCheckpoint
          : checkpointPolicy({ events, rows: 1000, afterMs: 1e9 }),
      stateMemoryBytes: this.random.pick([1, 10_000, 15_000, 1e9]),
      sliceBytes: 1 + this.random.below(2) * this.random.below(400),
    });
    assert.equal(this.engine.store.applied.commit, this.log.lastCommit);
  }

  /** Throws the engine away wherever it is, as a killed process would, or one without power. */
  async crash(): Promise<void> {
    await this.engine.abandon().catch(() => {});
    this.#addUp();
    this.#disk = this.random.below(2) === 0 ? this.#disk.afterCrash() : this.#disk.afterKill();
  }

  async close(): Promise<void> {
    await this.engine.close().catch(() => {});
    this.#addUp();
    this.#disk = this.#disk.afterKill();
  }

  /** One of the next operations of the disk fails, or it is the last one. */
  breakDisk(): void {
    const fault = this.random.pick(['crash', 'full', 'io'] as const);
    const atOperation = this.#disk.operations + 1 + this.random.below(6);
    this.#disk.failAt({ atOperation, fault, count: 1 + this.random.below(2) });
  }

  mendDisk(): void {
    this.#disk.failAt();
  }

  async checkpoint(): Promise<void> {
    await this.engine.checkpoint().catch(async (error: unknown) => {
      this.seen.failures += 1;
      if (!(error instanceof CrashError)) return;
      this.seen.crashes += 1;
      await this.crash();
      await this.open();
    });
  }

  push(): void {
    const batch = this.maker.next();
    this.log.lastCommit = batch.commit;
    // A crash between the log and the state leaves the batch to the replay.
    if (this.random.below(20) > 0) this.catchUp();
  }

  catchUp(): void {
    const { applied } = this.engine.store;
    for (const batch of this.log.read(applied.commit)) this.engine.apply(batch);
  }

  redeliver(): void {
    const { batches } = this.maker;
    const from = this.random.below(batches.length + 1);
    for (const batch of batches.slice(from, from + 3)) {
      if (batch.commit <= this.engine.store.applied.commit) this.engine.apply(batch);
    }
  }

  cutLog(): void {
    const upTo = Math.min(this.engine.checkpointedCommit, this.log.lastCommit);
    const span = upTo - this.log.through;
    if (span > 0) this.log.firstCommit += this.random.below(span + 1);
  }

  deleteState(): void {
    this.#state().wipe();
  }

  #state(): StateStore {
    // Small, so that there are several of them, and rows are moved.
    return diskState({ disk: this.#disk, folder: 'state', segmentBytes: 4096 });
  }

  #addUp(): void {
    const from = this.engine.metrics;
    for (const name of Object.keys(from) as (keyof StreamMetrics)[])
      this.totals[name] += from[name];
  }
}

async function step(run: Run): Promise<void> {
  const action = run.random.below(30);
  if (action < 16) run.push();
  else if (action < 18) run.redeliver();
  else if (action === 18) await run.checkpoint();
  else if (action < 21) void run.engine.checkpoint().catch(() => {});
  else if (action === 21) {
    run.breakDisk();
    await run.checkpoint();
    run.mendDisk();
  } else if (action === 22) run.cutLog();
  else if (action === 23) await new Promise((resolve) => setImmediate(resolve));
  else if (action < 26) {
    if (action === 24) await run.crash();
    else await run.close();
    if (run.random.below(5) === 0) run.deleteState();
    if (run.random.below(3) === 0) run.addGroup();
    if (run.random.below(6) === 0) run.dropGroup();
    await run.open();
  } else {
    run.catchUp();
    compareStates(run.engine.store, run.probes, run.maker, run.random);
  }
}

async function runOnce(seed: number): Promise<{ totals: StreamMetrics; crashes: number }> {
  try {
    const run = new Run(seed);
    await run.open();
    for (let i = 0; i < 60; i++) await step(run);
    await run.crash();
    await run.open();
    compareStates(run.engine.store, run.probes, run.maker, run.random);
    await run.close();
    return { totals: run.totals, crashes: run.seen.crashes };
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
  }
}

test('whatever crashes, is redelivered or rebuilt, every value equals the naive one', async () => {
  const sum = newMetrics();
  let crashes = 0;
  const first = Number(process.env.ASOF_SEED ?? 1);
  const runs = Number(process.env.ASOF_RUNS ?? 60);
  for (let seed = first; seed < first + runs; seed++) {
    const { totals, crashes: seen } = await runOnce(seed);
    for (const name of Object.keys(sum) as (keyof StreamMetrics)[]) sum[name] += totals[name];
    crashes += seen;
  }
  if (runs < 60) return;
  // The clever paths ran: else the test proves nothing of them.
  const ran: (keyof StreamMetrics)[] = [
    'checkpointCopies',
    'checkpointMoves',
    'checkpointFailures',
    'keysEvicted',
    'batchesIgnored',
    'keylessEvents',
    'overflow',
    'rowsLoaded',
    'rowsSpilled',
    'eventsReplayed',
    'groupsRebuilt',
    'eventsRebuilt',
  ];
  for (const name of ran) assert.ok(sum[name] > 0, `${name} never happened`);
  assert.ok(crashes > 0, 'no checkpoint was cut short');
});
