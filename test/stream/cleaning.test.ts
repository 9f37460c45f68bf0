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
import { lifetime } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';

const clicks = stream('clicks', {
  columns: { at: timestamp(), user: string() },
  eventTime: 'at',
});
const visits = view('visits', {
  version: 1,
  source: clicks,
  entity: entity('user', { keys: { user: string() } }),
  key: { user: 'user' },
  features: () => ({ clicks: count().over(lifetime()) }),
});
const USERS = 2_000;

test('files take about three times what is live, however the keys that change are spread', async () => {
  const random = seededRandom(7);
  const engine = await StreamEngine.open({
    plan: compileProject([visits]),
    state: diskState({ disk: new MemoryDisk(random), folder: 'state', segmentBytes: 2048 }),
    log: { firstCommit: 1, lastCommit: 0, read: () => [] },
    history: null,
    clock: new ManualClock(0),
    logger: silentLogger,
    policy: neverCheckpoint,
    sliceBytes: 1024,
  });
  let offset = 0;
  const feed = (users: readonly number[]): void => {
    const times = new Float64Array(users.length).fill(1e12 + offset);
    engine.apply({
      source: 'clicks',
      partition: 0,
      firstOffset: offset,
      commit: engine.store.applied.commit + 1,
      count: users.length,
      eventTimeMs: times,
      arrivalTimeMs: times,
      columns: [
        { kind: 'number', type: { kind: 'timestamp' }, values: times, wide: null, valid: null },
        {
          kind: 'string',
          type: { kind: 'string' },
          values: users.map((user) => `user-${user}`),
          valid: null,
        },
      ],
    });
    offset += users.length;
  };
  feed(Array.from({ length: USERS }, (_, user) => user));
  await engine.checkpoint();
  const { fileBytes: liveBytes } = engine.savedSize();
  let most = 0;
  for (let round = 0; round < 60; round++) {
    feed(Array.from({ length: USERS / 4 }, () => random.below(USERS)));
    await engine.checkpoint();
    most = Math.max(most, engine.savedSize().fileBytes);
  }
  assert.ok(most < 4 * liveBytes, `${most} bytes of files for ${liveBytes} that are live`);
  await engine.abandon();
});
