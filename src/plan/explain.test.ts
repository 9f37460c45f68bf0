import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, type count, sum } from '../define/aggregate.ts';
import { countDistinct, histogram, lastN, median, topK } from '../define/distribution.ts';
import { type StateOptions, view } from '../define/view.ts';
import { lifetime, session, sliding, type Window } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { explainPlan } from './explain.ts';
import { originDelays, shape } from './sample-project.fixture.ts';
import { estimateState } from './state-estimate.ts';

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

test('two views that measure the same thing keep it once, whatever their windows', () => {
  const ranking = view('ranking', {
    ...shape,
    features: (flight) => ({
      top_7d: topK(flight.destination, 3).over(sliding('7d')),
      mean_1h: avg(flight.delay).over(sliding('1h')),
    }),
  });
  const shares = view('shares', {
    ...shape,
    features: (flight) => ({
      by_place_1h: histogram(flight.destination).over(sliding('1h')),
      total_7d: sum(flight.delay).over(sliding('7d')),
    }),
  });
  const groups = explainPlan(compileProject([ranking, shares]));
  assert.equal(groups.length, 1);
  const [group] = groups;
  const sharedBy = (text: string) =>
    group?.accumulators.find((accumulator) => accumulator.text === text)?.features;
  assert.deepEqual(sharedBy('value_counts(destination, 1000)'), [
    'ranking@1.top_7d',
    'shares@1.by_place_1h',
  ]);
  assert.deepEqual(sharedBy('sum(delay)'), ['ranking@1.mean_1h', 'shares@1.total_7d']);
  assert.deepEqual(group?.lanes.find(({ text }) => text === 'delay')?.features, [
    'ranking@1.mean_1h',
    'shares@1.total_7d',
  ]);
  assert.equal(group?.accumulators.length, 3, 'counts by value, and count and sum of the delay');
  const [alone] = explainPlan(compileProject([ranking]));
  assert.deepEqual(
    alone?.accumulators.map(({ text }) => text),
    group?.accumulators.map(({ text }) => text),
    'a further window, and a further view, keep nothing more of an event',
  );
});

test('what lists of entries can take is said as at most', () => {
  const explain = (window: Window) =>
    explainPlan(
      compileProject([
        view('v', {
          ...shape,
          features: (flight) => ({
            some: countDistinct(flight.origin, { exactUpTo: 100 }).over(window),
            last: lastN(flight.weight, 10).over(window),
          }),
        }),
      ]),
    )[0];
  const forever = explain(lifetime());
  assert.equal(forever?.tilesPerKeyMax, 1);
  const entries = 100 * 8 + 10 * (3 + 1) * 8;
  const { bytesPerTile = 0, bytesPerTileMax = 0 } = forever ?? {};
  assert.ok(bytesPerTileMax >= bytesPerTile + entries);
  assert.ok(bytesPerTileMax <= bytesPerTile + entries + 2 * 160 + 8 + 6 * 4 * 8);
  const { bytesPerKeyMax = null, bytesPerKeyTypical = 0 } = forever ?? {};
  assert.ok(bytesPerKeyMax !== null && bytesPerKeyMax > bytesPerTileMax);
  assert.ok(bytesPerKeyTypical > bytesPerTile && bytesPerKeyTypical < bytesPerKeyMax);
  const chain = explain(session('30m'));
  assert.equal(chain?.tileMs, null);
  // 12 h of lateness and a gap hold 24 whole gaps and a bit, so 26 sessions begin within them.
  assert.ok(chain?.tilesPerKeyMax && chain.tilesPerKeyMax >= 25 && chain.tilesPerKeyMax <= 27);
});

test('the state of a view is estimated from its keys, and told of when it is too much', () => {
  const estimate = (state: StateOptions, window: Window) => {
    const plan = compileProject([
      view('v', {
        ...{ ...shape, state },
        features: (flight) => ({ n: sum(flight.delay).over(window) }),
      }),
      originDelays,
    ]);
    const { views, bytesMax } = estimateState(plan, explainPlan(plan));
    return { ...views.find(({ view: name }) => name === 'v'), total: bytesMax };
  };
  const small = estimate({ keys: 1000, budget: '1GB' }, lifetime());
  assert.ok((small.bytesMax ?? 0) > 1000 * (small.bytesPerKeyMax ?? 0));
  assert.ok((small.bytesTypical ?? 0) < (small.bytesMax ?? 0));
  assert.deepEqual([small.warning, small.atLimit, small.total], [null, 'spill', null]);
  const tight = estimate({ keys: 1000, budget: '1KB', atLimit: 'stop' }, lifetime());
  assert.match(tight.warning ?? '', /typical; at most .* may exceed its budget of 1 KB/);
  assert.equal(tight.atLimit, 'stop');
  const exact = estimate({ keys: 1000 }, sliding('7d', { exact: true }));
  assert.equal(exact.bytesMax, null);
  assert.match(exact.warning ?? '', /distinct event time/);
  const open = estimate({}, sliding('1h', { hop: '100ms' }));
  assert.match(
    open.warning ?? '',
    /a million keys may take 179 MB typically, .* TB at most; declare state/,
  );
  assert.equal(estimate({}, lifetime()).warning, null);
});

test('the state of all groups is each of them once, for the most keys that are declared', () => {
  const named = (name: string, keys: number) =>
    view(name, {
      ...{ ...shape, state: { keys } },
      features: (flight) => ({ n: sum(flight.delay).over(sliding('1h')) }),
    });
  const plan = compileProject([named('few', 10), named('many', 1000)]);
  const groups = explainPlan(plan);
  assert.equal(groups.length, 1);
  const { bytesMax, views } = estimateState(plan, groups);
  const [few, many] = views.map((one) => one.bytesMax ?? 0);
  assert.equal(bytesMax, many);
  assert.ok(few !== undefined && many !== undefined && few < many);
  assert.ok(many > 1000 * (groups[0]?.bytesPerKeyMax ?? 0));
});

test('a view is told of what typical keys take, not of the most that each of them could', () => {
  const plan = compileProject([
    view('v', {
      ...{ ...shape, state: { keys: 2_000_000, budget: '10GB' } },
      features: (flight) => ({
        m_1h: median(flight.delay).over(sliding('1h')),
        m: median(flight.delay).over(lifetime()),
      }),
    }),
  ]);
  const [estimate] = estimateState(plan, explainPlan(plan)).views;
  assert.equal(estimate?.warning, null);
  assert.ok((estimate.bytesTypical ?? 0) < 5e9, `${estimate.bytesTypical}`);
  assert.ok((estimate.bytesMax ?? 0) > 1e12, `${estimate.bytesMax}`);
});
