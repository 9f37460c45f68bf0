import assert from 'node:assert/strict';
import { test } from 'node:test';
import { last } from '../define/aggregate.ts';
import { latest } from '../define/latest.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { explainPlan } from './explain.ts';
import { keptEntries } from './kept-entries.ts';
import { merchant, merchants, orders, placesOf, shop } from './sample-shop.fixture.ts';

const key = { merchant: 'merchant' } as const;
const overTable = { version: 1, source: merchants, entity: merchant, key } as const;
const overStream = { version: 1, source: orders, entity: merchant, key } as const;

function onlyGroup(one: unknown) {
  const { groups, views } = compileProject([one]);
  assert.equal(groups.length, 1);
  const [group] = groups;
  assert.ok(group);
  return { group, features: views[0]?.features ?? [] };
}

test('an attribute is the newest row of all time, of which null is a value', () => {
  const { group, features } = onlyGroup(shop);
  assert.deepEqual(group.windows, [{ kind: 'lifetime', hopMs: 1, complete: false }]);
  assert.ok(group.lanes.every((lane) => lane.nullable === true && lane.quantizeScale === null));
  assert.deepEqual(
    group.accumulators.map(({ fn, size }) => [fn, size]),
    [
      ['latest', 100],
      ['latest', 100],
    ],
  );
  assert.deepEqual(
    features.map((feature) =>
      feature.kind === 'aggregate' ? [feature.name, feature.ttlMs, feature.default] : [],
    ),
    [
      ['category', 30 * 86_400_000, 'unknown'],
      ['limit', null, null],
    ],
  );
});

test('over a stream of final events one row is enough; a filter chooses among the rows', () => {
  const { group } = onlyGroup(
    view('newest', {
      ...overStream,
      features: (row) => ({ large: latest(row.amount, { where: row.amount.gt(100) }) }),
    }),
  );
  assert.deepEqual(
    group.accumulators.map(({ fn, size }) => [fn, size]),
    [['latest', 1]],
  );
  assert.equal(group.lanes[0]?.filter?.kind, 'call');
});

test('an attribute and a last value of one column are not of one lane, and read differently', () => {
  const both = view('both', {
    ...overTable,
    features: (row) => ({
      now: latest(row.category),
      last: last(row.category).over(lifetime()),
    }),
  });
  const { group } = onlyGroup(both);
  assert.deepEqual(
    group.lanes.map(({ nullable }) => nullable),
    [true, undefined],
  );
  const [explained] = explainPlan(compileProject([both]));
  assert.deepEqual(explained?.lanes, [
    { text: 'category, null too', features: ['both@1.now'] },
    { text: 'category', features: ['both@1.last'] },
  ]);
  const [kept] = keptEntries(compileProject([both])).filter((one) => one.feature.endsWith('now'));
  assert.match(kept?.text ?? '', /^keeps the newest 100 rows/);
});

test('how long a row holds is meaning', () => {
  const hashes = [undefined, '1d', '2d'].map((ttl) => {
    const options = ttl === undefined ? {} : { ttl: ttl as '1d' };
    const { views } = compileProject([
      view('v', { ...overTable, features: (row) => ({ a: latest(row.category, options) }) }),
    ]);
    return views[0]?.hash;
  });
  assert.equal(new Set(hashes).size, 3);
});

test('an attribute takes no window and no made-up ttl', () => {
  const bad = view('bad', {
    ...overTable,
    features: (row) => ({
      windowed: (latest(row.category) as unknown as { over(window: unknown): never }).over(
        sliding('1h'),
      ),
      eternal: latest(row.category, { ttl: 'ever' as never }),
      typed: latest(row.category).default(1 as never),
      text: latest('category' as never),
    }),
  });
  assert.deepEqual(placesOf(bad), [
    'invalid_definition views.bad.features.windowed',
    'invalid_duration views.bad.features.eternal',
    'type_mismatch views.bad.features.typed',
    'type_mismatch views.bad.features.text',
  ]);
});

test('what is expected of features is checked, and changes no meaning', () => {
  const expecting = (expect: object) =>
    view('v', {
      ...overTable,
      features: (row) => ({ limit: latest(row.limit), category: latest(row.category) }),
      expect: expect as never,
    });
  const hashOf = (expect: object) => compileProject([expecting(expect)]).views[0]?.hash;
  assert.equal(hashOf({ limit: { min: 0 } }), hashOf({}));
  const { expectations } = compileProject([shop]).views[0] ?? assert.fail();
  assert.deepEqual(expectations.limit, {
    min: 0,
    max: 1e6,
    nullShareMax: null,
    distinctMin: null,
    medianFactorMax: null,
  });
  const wrong: readonly (readonly [object, string])[] = [
    [{ limt: { min: 0 } }, 'unknown_name views.v.expect.limt'],
    [{ category: { min: 0 } }, 'type_mismatch views.v.expect.category.min'],
    [{ category: { medianFactorMax: 2 } }, 'type_mismatch views.v.expect.category.medianFactorMax'],
    [{ limit: { nullShareMax: 2 } }, 'invalid_definition views.v.expect.limit.nullShareMax'],
    [{ limit: { distinctMin: 0 } }, 'invalid_definition views.v.expect.limit.distinctMin'],
    [
      { limit: { medianFactorMax: 0.5 } },
      'invalid_definition views.v.expect.limit.medianFactorMax',
    ],
    [{ limit: { max: Number.NaN } }, 'invalid_definition views.v.expect.limit.max'],
    [{ limit: { min: '0' } }, 'invalid_definition views.v.expect.limit.min'],
    [{ limit: { min: 2, max: 1 } }, 'invalid_definition views.v.expect.limit'],
  ];
  for (const [expect, place] of wrong) assert.deepEqual(placesOf(expecting(expect)), [place]);
});
