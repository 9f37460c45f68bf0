import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, count, first, last, max, min, sum } from '../define/aggregate.ts';
import { bool, decimal, float64, int64, string, timestamp } from '../define/column.ts';
import {
  countDistinct,
  firstN,
  histogram,
  lastN,
  median,
  quantile,
  topK,
} from '../define/distribution.ts';
import { type Stream, stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, session, sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { parsePlan } from './load.ts';
import type { AggregateFeaturePlan, ProjectPlan } from './plan.ts';
import { airport } from './sample-project.fixture.ts';

const columns = {
  flight: string(),
  origin: string(),
  delay: int64().optional(),
  fare: decimal(2),
  weight: float64({ scale: 3 }),
  late: bool(),
  op: string(),
  lsn: int64(),
  departs: timestamp(),
};
const options = { columns, eventTime: 'departs', id: 'flight', allowedLateness: '12h' } as const;
const flights = stream('flights', options);
const changing = stream('flights', {
  ...options,
  changes: { column: 'op', sequence: 'lsn', keep: 7, horizon: '2d', insert: ['x', 'c', 'x'] },
});

function planOf(
  source: Stream<'flights', typeof columns>,
  ...windows: Parameters<ReturnType<typeof count>['over']>
) {
  const [window] = windows;
  const all = view('all', {
    version: 1,
    source,
    entity: airport,
    key: { airport: 'origin' },
    features: (flight) => ({
      distinct: countDistinct(flight.weight).over(window),
      distinct_few: countDistinct(flight.origin, { exactUpTo: 16 }).over(window),
      middle: median(flight.fare).over(window),
      high: quantile(flight.weight, 0.999_999, { relativeError: 0.25 }).over(window).default(1.5),
      top: topK(flight.origin, 3).over(window),
      shares: histogram(flight.origin).over(window),
      late: histogram(flight.late, { maxDistinct: 2 }).over(window),
      newest: lastN(flight.delay, 5).over(window),
      oldest: firstN(flight.weight, 2).over(window),
      least: min(flight.fare).over(window),
      greatest: max(flight.origin).over(window),
      start: first(flight.late).over(window),
      end: last(flight.delay).over(window),
      total: sum(flight.delay).over(window),
    }),
  });
  return compileProject([all]);
}

function aggregate(plan: ProjectPlan, name: string): AggregateFeaturePlan {
  const feature = plan.views[0]?.features.find((one) => one.name === name);
  assert.ok(feature?.kind === 'aggregate');
  return feature;
}

/** `accumulator:size` of a feature's one accumulator. */
function keptBy(plan: ProjectPlan, name: string): string {
  const { parts, group: id } = aggregate(plan, name);
  const group = plan.groups.find((one) => one.id === id);
  const accumulator = group?.accumulators[parts.value ?? -1];
  return `${accumulator?.fn}:${accumulator?.size}`;
}

test('each function is finished from its accumulator, with its parameters', () => {
  const plan = planOf(flights, sliding('1h'));
  const names = plan.views[0]?.features.map(({ name }) => name) ?? [];
  const kept = names.filter((name) => name !== 'total').map((name) => [name, keptBy(plan, name)]);
  assert.deepEqual(Object.fromEntries(kept), {
    distinct: 'distinct:1024',
    distinct_few: 'distinct:16',
    middle: 'buckets:7',
    high: 'buckets:1',
    top: 'value_counts:1000',
    shares: 'value_counts:1000',
    late: 'value_counts:2',
    newest: 'newest:5',
    oldest: 'oldest:2',
    least: 'min:undefined',
    greatest: 'max:undefined',
    start: 'first:undefined',
    end: 'last:undefined',
  });
  assert.equal(aggregate(plan, 'top').parts.value, aggregate(plan, 'shares').parts.value);
  const told = (name: string) => {
    const { fn, count: length, rankPpm, type, default: fallback, scale } = aggregate(plan, name);
    return { fn, length, rankPpm, type, fallback, scale };
  };
  const none = { length: null, rankPpm: null, fallback: null, scale: 0 };
  assert.deepEqual(told('distinct'), {
    ...{ ...none, fn: 'count_distinct', type: { kind: 'int64' } },
    ...{ fallback: 0, scale: 3 },
  });
  assert.deepEqual(told('high'), {
    ...{ ...none, fn: 'quantile', rankPpm: 999_999, fallback: 1.5 },
    ...{ type: { kind: 'float64', scale: 3 }, scale: 3 },
  });
  const cents = { kind: 'decimal', scale: 2 };
  assert.deepEqual(told('middle'), {
    ...{ ...none, fn: 'quantile', rankPpm: 500_000, type: cents, scale: 2 },
  });
  const text = { kind: 'string' };
  assert.deepEqual(told('top'), {
    ...{ ...none, fn: 'top_k', length: 3, type: { kind: 'list', of: text } },
  });
  assert.deepEqual(told('late').type, { kind: 'counts', of: { kind: 'bool' } });
  assert.deepEqual(told('newest').length, 5);
  const [group] = plan.groups;
  assert.deepEqual([group?.retractable, group?.keep, group?.latenessMs], [false, 0, 0]);
});

test('where events can be taken back, what cannot subtract keeps entries', () => {
  const plan = planOf(changing, sliding('1h'));
  const [source] = plan.sources;
  assert.deepEqual(source?.changes, {
    ...{ column: 'op', insert: ['c', 'x'], update: ['u', 'update'], delete: ['d', 'delete'] },
    ...{ sequence: 'lsn', shape: 'row', horizonMs: 2 * 86_400_000, keep: 7 },
  });
  const names = ['least', 'greatest', 'start', 'end', 'newest', 'oldest', 'shares', 'distinct_few'];
  assert.deepEqual(
    names.map((name) => keptBy(plan, name)),
    [
      ...['least:7', 'greatest:7', 'oldest:7', 'newest:7'],
      ...['newest:12', 'oldest:9', 'value_counts:1000', 'distinct:16'],
    ],
  );
  assert.deepEqual(Object.keys(aggregate(plan, 'total').parts), ['count', 'sum']);
  const [group] = plan.groups;
  assert.deepEqual([group?.retractable, group?.keep], [true, 7]);
  const final = planOf(flights, sliding('1h'));
  assert.notEqual(plan.views[0]?.hash, final.views[0]?.hash);
  assert.notEqual(group?.id, final.groups[0]?.id);
  assert.deepEqual(parsePlan(canonicalJson(plan)), plan);
});

test('sessions of one gap share a group, and share it with nothing else', () => {
  const mixed = view('mixed', {
    version: 1,
    source: flights,
    entity: airport,
    key: { airport: 'origin' },
    features: (flight) => ({
      events: count().over(session('30m')),
      mean: avg(flight.delay).over(session('30m')),
      far: count().over(session('1h')),
      hour: count().over(sliding('1h')),
      ever: count().over(lifetime()),
    }),
  });
  const plan = compileProject([mixed]);
  const windows = plan.groups.map((group) => group.windows.map(({ kind }) => kind).join());
  assert.deepEqual(windows.sort(), ['session', 'session', 'sliding,lifetime']);
  assert.equal(aggregate(plan, 'events').group, aggregate(plan, 'mean').group);
  const half = plan.groups.find(({ id }) => id === aggregate(plan, 'events').group);
  assert.deepEqual(half?.windows, [{ kind: 'session', gapMs: 1_800_000 }]);
  assert.equal(half?.latenessMs, 12 * 3_600_000);
  assert.deepEqual(parsePlan(canonicalJson(plan)), plan);
});

test('the state of a view is no part of its meaning', () => {
  const sized = (state: { keys?: number; budget?: `${number}MB`; atLimit?: 'stop' }) =>
    compileProject([
      view('v', {
        ...{ version: 1, source: flights, entity: airport, key: { airport: 'origin' }, state },
        features: () => ({ n: count().over(lifetime()) }),
      }),
    ]).views[0];
  const bounded = sized({ keys: 5, budget: '1.5MB', atLimit: 'stop' });
  assert.deepEqual(bounded?.state, { keys: 5, budgetBytes: 1_572_864, atLimit: 'stop' });
  assert.deepEqual(sized({})?.state, { keys: null, budgetBytes: null, atLimit: 'spill' });
  assert.equal(bounded?.hash, sized({})?.hash);
});
