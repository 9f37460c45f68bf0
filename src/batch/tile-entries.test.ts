import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AccumulatorFn } from '../aggregate/spec.ts';
import { ManualClock } from '../base/clock.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { AggregateFeaturePlan } from '../plan/plan.ts';
import { loadEvents } from './random-events.fixture.ts';
import { eventAt, tinyProject } from './tiny-project.fixture.ts';
import { buildTrainingSet } from './training-set.ts';

const INT64 = { kind: 'int64' } as const;

/** Trains one row, 50 ms after the events, by one feature whose accumulator keeps 2 entries. */
type Trained = (amounts: readonly number[]) => Promise<unknown>;

async function trainedBy(
  t: TestContext,
  fn: AccumulatorFn,
  feature: Partial<AggregateFeaturePlan>,
): Promise<Trained> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-tiles-'));
  const session = await DuckDbSession.open({ threads: 1 });
  t.after(() => {
    session.close();
    rmSync(folder, { recursive: true });
  });
  const tiny = tinyProject();
  const plan = {
    ...tiny,
    groups: tiny.groups.map((group) => ({
      ...group,
      accumulators: [{ fn, lane: 0, type: INT64, size: 2 }],
    })),
    views: tiny.views.map((view) => ({
      ...view,
      features: view.features.map(
        (one) => ({ ...one, parts: { value: 0 }, ...feature }) as AggregateFeaturePlan,
      ),
    })),
  };
  const spine = `SELECT 'a' AS "user", 1000 AS event_time`;
  await session.run(`CREATE TABLE spine AS ${spine}`);
  return async (amounts) => {
    const out = join(folder, 'out.parquet');
    // Events of one millisecond are all in one tile.
    const events = amounts.map((amount, i) => eventAt(i + 1, 950, amount));
    const history = await loadEvents(session, events);
    const report = await buildTrainingSet({
      ...{ plan, service: 'svc', history, spine: { relation: 'spine' }, out, session },
      ...{ clock: new ManualClock(0), strategy: 'tiles' },
    });
    assert.deepEqual(report.strategies, { tiles: 1 });
    const sql = `SELECT CAST(to_json(total) AS VARCHAR) FROM read_parquet(${sqlString(out)})`;
    return (await session.rows(sql))[0]?.[0];
  };
}

test('a tile tells that it had one value more than it keeps', async (t) => {
  const type = { kind: 'counts', of: INT64 } as const;
  const trained = await trainedBy(t, 'value_counts', { fn: 'histogram', type });
  assert.equal(await trained([5, 6, 5]), '[{"value":5,"count":2},{"value":6,"count":1}]');
  assert.equal(await trained([5, 6, 5, 7]), null);
});

test('a tile keeps the newest of its events, or the oldest', async (t) => {
  const type = { kind: 'list', of: INT64 } as const;
  const newest = await trainedBy(t, 'newest', { fn: 'last_n', count: 2, type });
  assert.equal(await newest([1, 2, 3, 4, 5]), '[4,5]');
  const oldest = await trainedBy(t, 'oldest', { fn: 'first_n', count: 2, type });
  assert.equal(await oldest([1, 2, 3, 4, 5]), '[1,2]');
});
