import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avg, count } from '../define/aggregate.ts';
import { string } from '../define/column.ts';
import { quantile, topK } from '../define/distribution.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { session, sliding } from '../define/window.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { diffPlans, type PlanDiff } from './diff.ts';
import { columns, flightOptions, flights, lateFlight, shape } from './sample-project.fixture.ts';

interface Options {
  readonly version?: number;
  readonly size?: '1h' | '2h';
  readonly owner?: string;
  readonly extra?: boolean;
  readonly source?: typeof flights;
}

function counts({
  version = 1,
  size = '1h',
  owner = 'ops',
  extra = false,
  source = flights,
}: Options) {
  return view('counts', {
    ...shape,
    version,
    source,
    owner,
    features: (flight) => ({
      n: count().over(sliding(size)),
      mean: avg(flight.delay).over(sliding('3h')),
      ...(extra ? { late: count().where(flight.delay.gt(15)).over(sliding('1h')) } : {}),
    }),
  });
}

function linesOf(diff: PlanDiff): string[] {
  return diff.changes.flatMap(({ kind, name, version, change, sentences }) => [
    `${change} ${kind} ${name}${version === null ? '' : `@${version}`}`,
    ...sentences.map((sentence) => `  ${sentence}`),
  ]);
}

function diffOf(before: readonly unknown[] | null, after: readonly unknown[]): PlanDiff {
  return diffPlans(before === null ? null : compileProject(before), compileProject(after));
}

test('everything is added at first, and nothing changes after', () => {
  const first = diffOf(null, [lateFlight]);
  assert.deepEqual(linesOf(first), [
    'added source flights',
    'added entity airport',
    'added view origin_delays@1',
    '  feature departures_24h: int64 = count() over sliding 1d (hop 15m)',
    '  feature fares_7d: decimal(2) = sum(fare) over sliding 1w (hop 3h)',
    '  feature last_destination: string = last(destination) over lifetime',
    '  feature late_24h: int64 = count() where delay > 15 over sliding 1d (hop 15m)',
    '  feature longest_today: int64 = max(delay) over tumbling 1d + 5h',
    '  feature mean_delay_3h: float64 = avg(delay) over sliding 3h (hop 1m)',
    '  feature spread_7d: float64 = stddev_samp(weight) over sliding 1w (hop 3h, complete)',
    '  feature late_share: float64 = toFloat64(late_24h) / toFloat64(departures_24h)',
    'added service late_flight@1',
  ]);
  assert.equal(first.groupsAdded.length, 1);
  const again = diffOf([lateFlight], [lateFlight]);
  assert.deepEqual([again.changes, again.unchanged, again.groupsAdded], [[], 4, []]);
  assert.doesNotThrow(() => canonicalJson(first));
});

test('a name@version that would mean something else is refused, field by field', () => {
  const diff = diffOf([counts({})], [counts({ size: '2h', extra: true })]);
  assert.equal(diff.refused, 1);
  assert.deepEqual(linesOf(diff), [
    'refused view counts@1',
    '  feature late added',
    '  feature n window: sliding 1h (hop 1m) → sliding 2h (hop 1m)',
  ]);
});

test('a new version says what differs since the one before', () => {
  const diff = diffOf([counts({})], [counts({}), counts({ version: 2, size: '2h' })]);
  assert.deepEqual(linesOf(diff), [
    'added view counts@2',
    '  since @1: feature n window: sliding 1h (hop 1m) → sliding 2h (hop 1m)',
  ]);
  assert.deepEqual([diff.added, diff.unchanged], [1, 3]);
});

test('what is only described is metadata', () => {
  const diff = diffOf([counts({})], [counts({ owner: 'risk' })]);
  assert.deepEqual(linesOf(diff), ['metadata view counts@1', "  owner: 'ops' → 'risk'"]);
  assert.deepEqual([diff.groupsAdded, diff.groupsRemoved], [[], []]);
  const ordered = (...names: ('n' | 'mean')[]) => [
    service('s', { version: 1, features: [counts({}).pick(...names)] } as never),
  ];
  assert.deepEqual(linesOf(diffOf(ordered('n', 'mean'), ordered('mean', 'n'))), [
    'metadata service s@1',
    '  outputs are in another order',
  ]);
});

test('a source changes in place, and refuses the views whose events would be others', () => {
  const later = stream('flights', { ...flightOptions, allowedLateness: '1d' });
  assert.deepEqual(linesOf(diffOf([counts({})], [counts({ source: later as typeof flights })])), [
    'changed source flights',
    '  allowed lateness: 12h → 1d',
    'refused view counts@1',
    '  source flights: allowed lateness: 12h → 1d',
  ]);
  const wider = stream('flights', {
    ...flightOptions,
    columns: { ...columns, gate: string().optional() },
  });
  assert.deepEqual(linesOf(diffOf([counts({})], [counts({ source: wider as typeof flights })])), [
    'changed source flights',
    '  column gate added: string optional',
  ]);
});

test('what is gone is removed', () => {
  const diff = diffOf([lateFlight, counts({})], [counts({})]);
  assert.deepEqual(linesOf(diff), [
    'removed view origin_delays@1',
    'removed service late_flight@1',
  ]);
  assert.equal(diff.groupsRemoved.length, 1);
});

test('what a distribution is told, and what a source changes by, is said field by field', () => {
  const lists = (version: number, k: number, q: number, relativeError: number) =>
    view('lists', {
      ...shape,
      version,
      features: (flight) => ({
        top: topK(flight.destination, k, { maxDistinct: k * 10 }).over(session('1h')),
        high: quantile(flight.delay, q, { relativeError }).over(sliding('3h')),
      }),
    });
  assert.deepEqual(linesOf(diffOf(null, [lists(1, 3, 0.95, 0.01)])).slice(-2), [
    '  feature high: int64 = quantile(delay, 0.95) over sliding 3h (hop 1m)',
    '  feature top: list(string) = top_k(destination, 3) over session (gap 1h)',
  ]);
  const before = lists(1, 3, 0.95, 0.01);
  assert.deepEqual(linesOf(diffOf([before], [before, lists(2, 4, 0.9, 0.1)])), [
    'added view lists@2',
    '  since @1: feature high relative error: 0.0078125 → 0.0625',
    '  since @1: feature high rank: 0.95 → 0.9',
    '  since @1: feature top max distinct: 30 → 40',
    '  since @1: feature top length: 3 → 4',
  ]);
  const changing = stream('flights', {
    ...flightOptions,
    changes: { column: 'destination', horizon: '1d' },
  });
  const changed = diffOf([flights], [changing]);
  assert.ok(linesOf(changed).includes('  horizon of changes added: 1d'));
  assert.equal(changed.changed, 1);
  const bounded = view('counts', {
    ...shape,
    state: { keys: 1000, budget: '512MB', atLimit: 'stop' },
    features: () => ({ n: count().over(sliding('1h')) }),
  });
  const free = view('counts', { ...shape, features: () => ({ n: count().over(sliding('1h')) }) });
  assert.deepEqual(linesOf(diffOf([free], [bounded])), [
    'metadata view counts@1',
    '  expected keys added: 1000',
    '  budget added: 512 MB, then stop',
  ]);
});

test('of a source, a view tells what it has a part in', () => {
  const more = stream('flights', {
    ...flightOptions,
    columns: { ...columns, note: string().optional() },
    allowedLateness: '13h',
  });
  const { changes } = diffOf([counts({})], [counts({ source: more as typeof flights })]);
  const [source, view] = changes;
  assert.deepEqual(
    source?.rules.map(({ rule, class: worst }) => `${rule} ${worst}`),
    ['lateness_changed breaking', 'column_added_optional compatible'],
  );
  assert.deepEqual(
    view?.rules.map(({ rule }) => rule),
    ['lateness_changed'],
  );
  const refused = changes.map(({ change, class: worst, remedy }) => [change, worst, remedy]);
  assert.deepEqual(refused, [
    ['changed', 'breaking', null],
    ['refused', 'breaking', 'version: 2'],
  ]);
});
