import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { count } from '../define/aggregate.ts';
import {
  countDistinct,
  firstN,
  histogram,
  lastN,
  median,
  quantile,
  topK,
} from '../define/distribution.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, session } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { columns, flightOptions, flights, shape } from './sample-project.fixture.ts';

function issuesOf(...definitions: unknown[]): Record<string, string> {
  try {
    compileProject(definitions);
  } catch (error) {
    assert.ok(error instanceof AsofError);
    for (const one of error.issues) assert.ok(one.remedy !== '', one.message);
    return Object.fromEntries(error.issues.map(({ path, message }) => [path, message]));
  }
  return {};
}

/** Definitions as plain JavaScript might write them. */
type Loose = Record<string, never>;

test('a parameter that cannot be is listed, and so is a measure that does not fit', () => {
  const bad = view('bad', {
    ...shape,
    features: ((flight: Loose) => ({
      rank_high: quantile(flight.delay as never, 1.5).over(lifetime()),
      rank_zero: quantile(flight.delay as never, 0).over(lifetime()),
      rank_fine: quantile(flight.delay as never, 1 / 3).over(lifetime()),
      error_fine: median(flight.delay as never, { relativeError: 1e-9 }).over(lifetime()),
      error_one: median(flight.delay as never, { relativeError: 1 }).over(lifetime()),
      text: quantile(flight.origin as never, 0.5).over(lifetime()),
      floats: topK(flight.weight as never, 3).over(lifetime()),
      floats_too: histogram(flight.weight as never).over(lifetime()),
      none: topK(flight.origin as never, 0).over(lifetime()),
      huge: topK(flight.origin as never, 2000).over(lifetime()),
      short: topK(flight.origin as never, 10, { maxDistinct: 5 }).over(lifetime()),
      full: topK(flight.origin as never, 5, { maxDistinct: 5 }).over(lifetime()),
      many: lastN(flight.origin as never, 1001).over(lifetime()),
      part: firstN(flight.origin as never, 1.5).over(lifetime()),
      missing: lastN(flight.origin as never, undefined as never).over(lifetime()),
      bound: histogram(flight.origin as never, { maxDistinct: 0 }).over(lifetime()),
      few: countDistinct(flight.origin as never, { exactUpTo: 1 }).over(lifetime()),
      scaled: countDistinct(flight.origin as never, { scale: 2 }).over(lifetime()),
      list_default: lastN(flight.origin as never, 2)
        .over(lifetime())
        .default([] as never),
      hopping: count().over(session('30m', { hop: '1m', complete: true } as never)),
      gapless: count().over(session('half an hour' as never)),
    })) as never,
  });
  const found = issuesOf(bad);
  const said = (name: string): string => found[`views.bad.features.${name}`] ?? 'nothing';
  assert.match(said('rank_high'), /quantile of 1\.5 cannot be/);
  assert.match(said('rank_zero'), /quantile of 0 cannot be/);
  assert.match(said('rank_fine'), /quantile of 0\.33/);
  assert.match(said('error_fine'), /relative error of 1e-9/);
  assert.match(said('error_one'), /relative error of 1 /);
  assert.match(said('text'), /quantile needs a number, but its measure is string/);
  assert.match(said('floats'), /topK needs an int64, .* but its measure is float64/);
  assert.match(said('floats_too'), /histogram needs/);
  assert.match(said('none'), /topK has k 0/);
  assert.match(said('huge'), /topK has k 2000, and takes a whole number from 1 to 1000/);
  assert.match(said('short'), /topK has k 10 of at most 5 values/);
  assert.equal(said('full'), 'nothing');
  assert.match(said('many'), /lastN has n 1001/);
  assert.match(said('part'), /firstN has n 1\.5/);
  assert.match(said('missing'), /lastN has n null/);
  assert.match(said('bound'), /histogram has maxDistinct 0/);
  assert.match(said('few'), /countDistinct has exactUpTo 1/);
  assert.match(said('scaled'), /scale is given/);
  assert.match(said('list_default'), /list\(string\) takes no default/);
  assert.match(said('hopping'), /session has no (hop|complete)/);
  assert.match(said('gapless'), /not a duration/);
  assert.equal(Object.keys(found).length, 20);
});

test('a list or a histogram cannot be derived from, however it is tried', () => {
  let stolen: unknown;
  const bad = view('bad', {
    ...shape,
    features: (flight) => ({
      tops: topK(flight.origin, 3).over(lifetime()),
      shares: histogram(flight.origin).over(lifetime()),
      n: count().over(lifetime()),
    }),
    derived: ((feature: Record<string, { div(other: unknown): never }>) => {
      stolen = feature;
      return { a: feature.tops?.div(2), b: feature.n?.div(feature.shares), c: feature.tops };
    }) as never,
  });
  const found = issuesOf(bad);
  assert.ok(stolen !== undefined);
  assert.deepEqual(Object.keys(found).sort(), [
    'views.bad.features.a',
    'views.bad.features.b',
    'views.bad.features.c',
  ]);
  assert.match(found['views.bad.features.a'] ?? '', /'tops' is a list\(string\)/);
  assert.match(found['views.bad.features.b'] ?? '', /'shares' is a counts\(string\)/);
});

test('changes that cannot be are listed', () => {
  const { id: _id, ...anonymous } = flightOptions;
  const loose = {
    column: 'delay',
    insert: ['c', 7],
    update: ['c'],
    sequence: 'origin',
    shape: 'sideways',
    horizon: 'long',
    keep: 0,
  };
  const found = issuesOf(stream('s', { ...anonymous, changes: loose as never }));
  assert.deepEqual(Object.keys(found).sort(), [
    'sources.s.changes',
    'sources.s.changes.column',
    'sources.s.changes.horizon',
    'sources.s.changes.insert',
    'sources.s.changes.keep',
    'sources.s.changes.sequence',
    'sources.s.changes.shape',
    'sources.s.changes.update',
  ]);
  const unknown = { column: 'opp', insert: [], update: [] } as never;
  const away = issuesOf(stream('s', { ...flightOptions, columns, changes: unknown }));
  assert.match(away['sources.s.changes.column'] ?? '', /no column 'opp'/);
  assert.match(away['sources.s.changes.insert'] ?? '', /No value of the column means insert/);
});

test('state that cannot be is listed', () => {
  const sized = (state: object) =>
    issuesOf(
      view('v', {
        ...{ ...shape, source: flights, state: state as never },
        features: () => ({ n: count().over(lifetime()) }),
      }),
    );
  assert.match(sized({ keys: 0.5 })['views.v.state.keys'] ?? '', /expect 0\.5 keys/);
  assert.match(sized({ budget: '12' })['views.v.state.budget'] ?? '', /'12' is not a size/);
  assert.match(
    sized({ budget: '1GB', atLimit: 'drop' })['views.v.state.atLimit'] ?? '',
    /'drop' is nothing/,
  );
  assert.match(sized({ atLimit: 'stop' })['views.v.state.atLimit'] ?? '', /has no budget/);
  assert.deepEqual(sized({ budget: '64KB', keys: 1 }), {});
  const all = sized({ keys: -1, budget: 'much', atLimit: 'drop' });
  assert.deepEqual(Object.keys(all).sort(), [
    ...['views.v.state.atLimit', 'views.v.state.budget', 'views.v.state.keys'],
  ]);
});
