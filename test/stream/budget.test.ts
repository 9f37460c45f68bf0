import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { count } from '../../src/define/aggregate.ts';
import { string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { StatePlan } from '../../src/plan/plan.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';

const user = entity('user', { keys: { user: string() } });
const clicks = stream('clicks', {
  columns: { at: timestamp(), user: string() },
  eventTime: 'at',
});
const shape = { version: 1, source: clicks, entity: user, key: { user: 'user' } } as const;
const visits = view('visits', {
  ...shape,
  features: () => ({ clicks_1h: count().over(sliding('1h')) }),
});
const HOUR_MS = 3_600_000;

/** An engine over one view, fed with users by number. */
class Clicks {
  readonly disk = new MemoryDisk(seededRandom(5));
  readonly warnings: string[] = [];
  readonly batches: EventBatch[] = [];
  nowMs = 10 * HOUR_MS;

  /** One state for each view. */
  open(
    state: StatePlan | readonly StatePlan[],
    stateMemoryBytes = 1e9,
    views: Parameters<typeof compileProject>[0] = [visits],
  ): Promise<StreamEngine> {
    const plan = compileProject(views);
    const states = [state].flat();
    const { batches, warnings } = this;
    return StreamEngine.open({
      plan: {
        ...plan,
        views: plan.views.map((one) => ({
          ...one,
          state: states[one.name === 'twin' ? 1 : 0] ?? one.state,
        })),
      },
      state: diskState({ disk: this.disk, folder: 'state', segmentBytes: 8192 }),
      log: { firstCommit: 1, lastCommit: batches.length, read: (after) => batches.slice(after) },
      history: null,
      clock: new ManualClock(0),
      logger: { ...silentLogger, warn: (_fields, text) => warnings.push(text) },
      policy: neverCheckpoint,
      stateMemoryBytes,
    });
  }

  feed(engine: StreamEngine, from: number, users: number): void {
    const columns: EventBatch['columns'] = [
      {
        kind: 'number',
        type: { kind: 'timestamp' },
        values: new Float64Array(users).fill(this.nowMs),
        wide: null,
        valid: null,
      },
      {
        kind: 'string',
        type: { kind: 'string' },
        values: Array.from({ length: users }, (_, i) => `user-${from + i}`),
        valid: null,
      },
    ];
    const batch: EventBatch = {
      source: 'clicks',
      partition: 0,
      firstOffset: this.batches.reduce((sum, one) => sum + one.count, 0),
      commit: this.batches.length + 1,
      count: users,
      eventTimeMs: new Float64Array(users).fill(this.nowMs),
      arrivalTimeMs: new Float64Array(users).fill(this.nowMs),
      columns,
    };
    this.batches.push(batch);
    engine.apply(batch);
  }

  clicksOf(engine: StreamEngine, name: string): number {
    const [group] = engine.store.groups;
    assert.ok(group !== undefined);
    group.table.query(group.find(name), this.nowMs);
    group.table.fold(0);
    return group.table.partials[group.table.partialAt(0, 0)] ?? Number.NaN;
  }
}

test('a view over its budget keeps what is in use in memory, and the rest on disk', async () => {
  const run = new Clicks();
  const budgetBytes = 400_000;
  const engine = await run.open({ keys: null, budgetBytes, atLimit: 'spill' });
  for (let round = 0; round < 20; round++) {
    run.feed(engine, round * 500, 500);
    await engine.checkpoint();
  }
  run.feed(engine, 0, 1);
  const [usage] = engine.stateUsage();
  assert.ok(usage !== undefined);
  assert.equal(usage.hotKeys + usage.coldKeys, 10_000);
  assert.ok(usage.coldKeys > 5_000, `${usage.coldKeys} rows on disk only`);
  assert.ok(usage.bytes <= budgetBytes, `${usage.bytes} bytes`);
  assert.equal(engine.refusal('clicks'), null);
  assert.deepEqual(run.warnings, ['the state of a view has come to 80 % of its budget']);
  assert.ok(engine.savedSize().indexBytes < 20 * 10_000);
  assert.equal(engine.size().keys, 10_000);
  assert.equal(run.clicksOf(engine, 'user-0'), 2);
  assert.equal(run.clicksOf(engine, 'user-9999'), 1);
  assert.equal(run.clicksOf(engine, 'nobody'), 0);
  await engine.close();
});

test('a view that stops at its budget refuses pushes to its source, and says how to go on', async () => {
  const run = new Clicks();
  const engine = await run.open({ keys: null, budgetBytes: 50_000, atLimit: 'stop' });
  run.feed(engine, 0, 10);
  assert.equal(engine.refusal('clicks'), null);
  run.feed(engine, 10, 2_000);
  const refusal = engine.refusal('clicks');
  assert.equal(refusal?.code, 'state_full');
  assert.match(refusal?.message ?? '', /visits@1/);
  assert.match(refusal?.remedy ?? '', /budget/);
  assert.equal(engine.refusal('orders'), null);
  // Nothing that was taken is lost: not by the limit, nor by opening with a larger one.
  assert.equal(engine.metrics.rowsSpilled, 0);
  await engine.close();
  const larger = await run.open({ keys: null, budgetBytes: 50_000_000, atLimit: 'stop' });
  assert.equal(larger.refusal('clicks'), null);
  assert.equal(run.clicksOf(larger, 'user-2009'), 1);
  await larger.close();
});

test('a view that stops at its budget still does after a restart, when all of it is on disk', async () => {
  const run = new Clicks();
  const engine = await run.open({ keys: null, budgetBytes: 250_000, atLimit: 'stop' });
  run.feed(engine, 0, 2_000);
  const before = engine.stateUsage()[0]?.bytes ?? 0;
  assert.equal(engine.refusal('clicks')?.code, 'state_full', `${before} bytes`);
  await engine.close();
  const again = await run.open({ keys: null, budgetBytes: 250_000, atLimit: 'stop' });
  assert.equal(again.stateUsage()[0]?.hotKeys, 0);
  const refusal = again.refusal('clicks');
  assert.equal(refusal?.code, 'state_full');
  const after = Number(/takes (\d+) bytes/.exec(refusal?.message ?? '')?.[1]);
  assert.ok(Math.abs(after - before) < before / 5, `${before} bytes before, then ${after}`);
  // Rows that are read come into memory and count but once.
  for (let i = 0; i < 2_000; i++) run.clicksOf(again, `user-${i}`);
  assert.equal(again.stateUsage()[0]?.coldKeys, 0);
  const read = Number(/takes (\d+) bytes/.exec(again.refusal('clicks')?.message ?? '')?.[1]);
  assert.ok(Math.abs(read - before) < before / 5, `${before} bytes before, then ${read}`);
  await again.abandon();
  const larger = await run.open({ keys: null, budgetBytes: 600_000, atLimit: 'stop' });
  assert.equal(larger.refusal('clicks'), null);
  assert.ok(larger.stops('clicks') && !larger.stops('orders'));
  await larger.abandon();
});

test('a budget holds beside a view without one, and the greatest of those that share tiles', async () => {
  const twin = view('twin', { ...shape, features: () => ({ n: count().over(sliding('1h')) }) });
  const spilledWith = async (first: number | null, second: number | null): Promise<number> => {
    const run = new Clicks();
    const state = (budgetBytes: number | null): StatePlan => {
      return { keys: null, budgetBytes, atLimit: 'spill' };
    };
    const engine = await run.open([state(first), state(second)], 1e9, [visits, twin]);
    for (let round = 0; round < 6; round++) {
      run.feed(engine, round * 500, 500);
      await engine.checkpoint();
    }
    run.feed(engine, 0, 1);
    const spilled = engine.metrics.rowsSpilled;
    await engine.abandon();
    return spilled;
  };
  assert.ok((await spilledWith(100_000, null)) > 0, 'a view without a budget says nothing');
  assert.ok((await spilledWith(null, 100_000)) > 0);
  assert.equal(await spilledWith(100_000, 10_000_000), 0, 'the other may have its own in memory');
  assert.ok((await spilledWith(100_000, 200_000)) > 0);
});

test('a key whose events are spread over many rows is one key', async () => {
  const run = new Clicks();
  const engine = await run.open({ keys: null, budgetBytes: null, atLimit: 'spill' });
  run.feed(engine, 0, 3);
  const splits = engine.store.splitsOf(
    engine.store.groups[Symbol.iterator]().next().value?.id ?? '',
  );
  assert.ok(splits !== null);
  for (const id of [0, 1, 2]) splits.split(id);
  for (let i = 0; i < 40; i++) run.feed(engine, 0, 3);
  assert.ok(splits.further.liveRows > 3, 'there are further rows');
  const [usage] = engine.stateUsage();
  assert.deepEqual([usage?.hotKeys, usage?.coldKeys, engine.size().keys], [3, 0, 3]);
  await engine.close();
  const again = await run.open({ keys: null, budgetBytes: null, atLimit: 'spill' });
  const [saved] = again.stateUsage();
  assert.deepEqual([saved?.hotKeys, saved?.coldKeys, again.size().keys], [0, 3, 3]);
  await again.abandon();
});

test('a state that is full takes pushes again once it is saved, although none is taken meanwhile', async () => {
  const run = new Clicks();
  const engine = await run.open({ keys: null, budgetBytes: null, atLimit: 'spill' }, 60_000);
  run.feed(engine, 0, 2_000);
  assert.equal(engine.refusal('clicks')?.code, 'state_full');
  await engine.checkpoint();
  engine.poll();
  assert.equal(engine.refusal('clicks'), null);
  assert.ok(engine.metrics.rowsSpilled > 0);
  assert.equal(run.clicksOf(engine, 'user-1999'), 1);
  await engine.close();
});

test('what expires on disk costs what expires, not what there is', async () => {
  const reads: number[] = [];
  for (const users of [2_000, 8_000]) {
    const run = new Clicks();
    const engine = await run.open({ keys: null, budgetBytes: 1, atLimit: 'spill' });
    // The first 500 come two hours before all others.
    run.feed(engine, 0, 500);
    await engine.checkpoint();
    run.nowMs += 2 * HOUR_MS;
    for (let from = 500; from < users; from += 500) {
      run.feed(engine, from, 500);
      await engine.checkpoint();
    }
    const keys = engine.size().keys;
    assert.equal(keys, users - 500);
    assert.equal(engine.metrics.keysEvicted, 500);
    reads.push(engine.metrics.evictionReads + engine.metrics.evictionLooks);
    await engine.abandon();
  }
  const [few = 0, many = 0] = reads;
  assert.ok(few > 0 && many <= 1.2 * few, `${few} rows looked at, then ${many}`);
});
