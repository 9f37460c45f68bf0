import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { loadEvents } from './random-events.fixture.ts';
import { STRATEGIES } from './strategy.ts';
import { eventAt, tinyProject } from './tiny-project.fixture.ts';
import { buildTrainingSet } from './training-set.ts';

test('the last event at the very start of its window counts, and none before it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-running-'));
  const session = await DuckDbSession.open({ threads: 1 });
  t.after(() => {
    session.close();
    rmSync(folder, { recursive: true });
  });
  const tiny = tinyProject();
  const last = { fn: 'last', parts: { value: 0 } } as const;
  const int64 = { kind: 'int64' } as const;
  const plan = {
    ...tiny,
    groups: tiny.groups.map((group) => ({
      ...group,
      accumulators: [{ fn: 'last', lane: 0, type: int64 }] as const,
    })),
    views: tiny.views.map((view) => ({
      ...view,
      features: view.features.map((feature) => ({ ...feature, ...last }) as typeof feature),
    })),
  };
  const history = await loadEvents(session, [eventAt(1, 500, 7)]);
  // The exact window of 100 ms at t begins at t - 99; the event is known from 505 on.
  const times = [504, 505, 598, 599, 600, 601];
  const rows = times.map((timeMs) => `('a', ${timeMs})`).join(', ');
  await session.run(
    `CREATE TABLE spine AS SELECT u AS "user", t AS event_time FROM (VALUES ${rows}) x(u, t)`,
  );
  for (const strategy of STRATEGIES) {
    const out = join(folder, `${strategy}.parquet`);
    const report = await buildTrainingSet({
      ...{ plan, service: 'svc', history, spine: { relation: 'spine' }, out, session, strategy },
      clock: new ManualClock(0),
    });
    if (strategy === 'running') assert.deepEqual(report.strategies, { running: 1 });
    const written = await session.rows(`SELECT total FROM read_parquet(${sqlString(out)})`);
    const expected = [null, 7n, 7n, 7n, null, null];
    assert.deepEqual(written.flat(), expected, strategy);
  }
});
