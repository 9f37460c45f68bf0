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
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';

const HOUR_MS = 3_600_000;
const user = entity('user', { keys: { user: string() } });
const [clicks, orders] = ['clicks', 'orders'].map((name) => {
  const columns = { at: timestamp(), user: string() };
  return view(`${name}_view`, {
    version: 1,
    source: stream(name, { columns, eventTime: 'at' }),
    entity: user,
    key: { user: 'user' },
    features: () => ({ [`${name}_1h`]: count().over(sliding('1h')) }),
  });
});

function batchOf(source: string, commit: number, firstOffset: number, atMs: number): EventBatch {
  const times = Float64Array.of(atMs);
  return {
    source,
    partition: 0,
    firstOffset,
    commit,
    count: 1,
    eventTimeMs: times,
    arrivalTimeMs: times,
    columns: [
      { kind: 'number', type: { kind: 'timestamp' }, values: times, wide: null, valid: null },
      { kind: 'string', type: { kind: 'string' }, values: ['ann'], valid: null },
    ],
  };
}

test('a source that comes back brings the time of what came while it was gone', async () => {
  assert.ok(clicks !== undefined && orders !== undefined);
  const disk = new MemoryDisk(seededRandom(3));
  const batches = [
    batchOf('clicks', 1, 0, 10 * HOUR_MS),
    batchOf('orders', 2, 0, 10 * HOUR_MS),
    batchOf('orders', 3, 1, 20 * HOUR_MS),
    batchOf('clicks', 4, 1, 11 * HOUR_MS),
  ];
  const open = (views: Parameters<typeof compileProject>[0], lastCommit: number) => {
    const plan = compileProject(views);
    const names = new Set(plan.sources.map(({ name }) => name));
    return StreamEngine.open({
      plan,
      state: diskState({ disk, folder: 'state' }),
      log: {
        firstCommit: 1,
        lastCommit,
        read: (after) => {
          const logged = batches.slice(after, lastCommit);
          return logged.filter(({ source }) => names.has(source));
        },
      },
      history: null,
      clock: new ManualClock(0),
      logger: silentLogger,
      policy: neverCheckpoint,
    });
  };
  await (await open([clicks, orders], 2)).close();
  // Commit 3 is of no source that this engine knows, and the state goes on past it.
  const without = await open([clicks], 4);
  assert.equal(without.store.applied.newestArrivalMs, 11 * HOUR_MS);
  await without.close();
  const again = await open([clicks, orders], 4);
  assert.equal(again.store.applied.newestArrivalMs, 20 * HOUR_MS);
  assert.deepEqual(again.store.applied.bySource.get('orders')?.lastOffsets, [1]);
  assert.equal(again.store.applied.bySource.get('orders')?.events, 2);
  await again.close();
});
