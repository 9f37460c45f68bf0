import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type count, sum } from '../define/aggregate.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { explainPlan } from './explain.ts';
import { originDelays, shape } from './sample-project.fixture.ts';

test('it says which features share which tiles', () => {
  const [group] = explainPlan(compileProject([originDelays]));
  assert.equal(group?.filter, 'delay is not null');
  assert.equal(group?.tileMs, 60_000);
  const sharing = group?.accumulators.find(({ text }) => text === 'count()');
  assert.deepEqual(sharing?.features, ['origin_delays@1.departures_24h']);
  const window = group?.windows.find(({ text }) => text === 'sliding 1d (hop 15m)');
  assert.deepEqual(window?.features, [
    'origin_delays@1.departures_24h',
    'origin_delays@1.late_24h',
  ]);
  assert.ok(group?.accumulators.some(({ text }) => text === 'count() where delay > 15'));
  assert.ok(group?.accumulators.some(({ text }) => text === 'sum_squares(weight, 3 decimals)'));
});

test('it says how many tiles and bytes a key can cost', () => {
  const explain = (...windows: Parameters<ReturnType<typeof count>['over']>) =>
    explainPlan(
      compileProject([
        view('v', {
          ...shape,
          features: (flight) => ({ n: sum(flight.delay).over(...windows) }),
        }),
      ]),
    )[0];
  const hour = explain(sliding('1h'));
  assert.equal(hour?.tileMs, 60_000);
  assert.ok(hour?.tilesPerKeyMax && hour.tilesPerKeyMax >= 61 && hour.tilesPerKeyMax <= 62);
  assert.equal(hour.bytesPerTile, (1 + 1 + 2) * 8);
  const forever = explain(lifetime());
  assert.deepEqual([forever?.tileMs, forever?.tilesPerKeyMax], [null, 1]);
  const exact = explain(sliding('1d', { exact: true }));
  assert.deepEqual([exact?.tileMs, exact?.tilesPerKeyMax], [1, null]);
});
