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
import { session } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';

const clicks = stream('clicks', {
  columns: { who: string(), at: timestamp() },
  eventTime: 'at',
  allowedLateness: '1m',
});
const visits = view('visits', {
  version: 1,
  source: clicks,
  entity: entity('visitor', { keys: { who: string() } }),
  key: { who: 'who' },
  features: () => ({ clicks: count().over(session('5m')) }),
});

function batchOf(commit: number, atMs: number, who: readonly string[]): EventBatch {
  const times = new Float64Array(who.length).fill(atMs);
  const type = { kind: 'string' } as const;
  return {
    source: 'clicks',
    partition: 0,
    firstOffset: (commit - 1) * 100,
    commit,
    count: who.length,
    eventTimeMs: times,
    arrivalTimeMs: times,
    // In the order of their names, as the plan has them.
    columns: [
      { kind: 'number', type: { kind: 'timestamp' }, values: times, wide: null, valid: null },
      { kind: 'string', type, values: who, valid: null },
    ],
  };
}

for (const where of ['memory', 'disk'] as const) {
  test(`sessions that nothing can join or read any more leave ${where}`, async () => {
    const disk = new MemoryDisk(seededRandom(3));
    const log = { firstCommit: 1, lastCommit: 0, read: () => [] };
    const options = {
      plan: compileProject([clicks, visits]),
      state: diskState({ disk, folder: 'state' }),
      log,
      history: null,
      clock: new ManualClock(0),
      logger: silentLogger,
      policy: neverCheckpoint,
    };
    let engine = await StreamEngine.open(options);
    const names = Array.from({ length: 100 }, (_, i) => `v${i}`);
    engine.apply(batchOf(1, 1_000_000, names));
    let commit = 1;
    if (where === 'disk') {
      await engine.close();
      engine = await StreamEngine.open({ ...options, log: { ...log, lastCommit: 1 } });
    }
    for (let minute = 1; minute <= 60; minute++) {
      commit += 1;
      engine.apply(batchOf(commit, 1_000_000 + minute * 60_000, ['busy']));
      if (where === 'disk' && minute % 10 === 0) await engine.checkpoint();
    }
    assert.equal(engine.metrics.keysEvicted, 100);
    assert.equal(engine.size().keys, 1);
    await engine.abandon();
  });
}
