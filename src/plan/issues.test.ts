import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError, type Issue } from '../base/errors.ts';
import { count, last, sum } from '../define/aggregate.ts';
import { bool, float64, int64, string, vector } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { airport, columns, flights, originDelays, shape } from './sample-project.fixture.ts';

function issuesOf(...definitions: unknown[]): readonly Issue[] {
  try {
    compileProject(definitions);
  } catch (error) {
    assert.ok(error instanceof AsofError);
    assert.equal(error.code, 'invalid_definition');
    return error.issues;
  }
  return [];
}

function codesOf(...definitions: unknown[]): string[] {
  return issuesOf(...definitions).map(({ code, path }) => `${code} ${path}`);
}

test('every issue of a project is listed, each with its place, its name and a remedy', () => {
  const loose = shape as unknown as { version: 1 } & Record<string, never>;
  const bad = view('Bad', {
    ...loose,
    version: 0,
    source: flights,
    entity: airport,
    key: { airport: 'orign' } as never,
    freshness: 'soon' as never,
    features: (flight: Record<string, never>) => ({
      misspelt: sum(flight.dealy as never).over(sliding('1h')),
      text: sum(flight.origin as never).over(sliding('3 hours' as never)),
      windowless: count(),
      wide_hop: count().over(sliding('1h', { hop: '5m' })),
      too_fine: sum(flight.weight as never, { scale: 9 }).over(lifetime({ complete: true })),
      bad_default: count()
        .over(lifetime())
        .default('x' as never),
      both: count().over(sliding('1h', { exact: true, complete: true })),
      plain: flight.delay,
      airport: count().over(lifetime()),
    }),
    derived: (feature: Record<string, { div(by: number): never }>) => ({
      ratio: feature.misspelled?.div(2) as never,
    }),
  } as never);
  const picky = service('picky', { version: 1, features: [bad.pick('nothing' as never)] });
  assert.deepEqual(codesOf(picky), [
    'invalid_name views.Bad',
    'invalid_definition views.Bad.version',
    'invalid_duration views.Bad.freshness',
    'unknown_name views.Bad.key.airport',
    'column_collision views.Bad.features.airport',
    'unknown_name views.Bad.features.misspelt',
    'type_mismatch views.Bad.features.text',
    'invalid_duration views.Bad.features.text',
    'invalid_definition views.Bad.features.windowless',
    'invalid_definition views.Bad.features.wide_hop',
    'invalid_definition views.Bad.features.too_fine',
    'invalid_definition views.Bad.features.too_fine',
    'type_mismatch views.Bad.features.bad_default',
    'invalid_definition views.Bad.features.both',
    'invalid_definition views.Bad.features.plain',
    'unknown_name views.Bad.features.ratio',
    'unknown_feature services.picky.features.nothing',
  ]);
  for (const one of issuesOf(picky)) assert.ok(one.message !== '' && one.remedy !== '');
  const messages = issuesOf(picky).map((one) => one.message);
  assert.ok(messages.some((message) => message.includes("Did you mean 'delay'?")));
  assert.ok(messages.some((message) => message.includes("Did you mean 'misspelt'?")));
});

test('a source and an entity are checked', () => {
  const source = stream('s', {
    columns: {
      ...columns,
      bigVector: vector(0),
      weird: 'string' as never,
      w: float64({ scale: 99 }),
    },
    eventTime: 'departz' as never,
    arrivalTime: 'origin' as never,
    allowedLateness: '1 day' as never,
    dedupeHorizon: '24h',
    partitions: 0,
  });
  assert.deepEqual(codesOf(source), [
    'invalid_name sources.s.columns.bigVector',
    'invalid_definition sources.s.columns.bigVector',
    'invalid_definition sources.s.columns.weird',
    'invalid_definition sources.s.columns.w',
    'unknown_name sources.s.eventTime',
    'type_mismatch sources.s.arrivalTime',
    'invalid_definition sources.s.dedupeHorizon',
    'invalid_duration sources.s.allowedLateness',
    'invalid_definition sources.s.partitions',
  ]);
  const bounds = stream('s', {
    columns: { ...columns, n: int64().min(5).max(1), m: int64().min(1.5) },
    eventTime: 'departs',
  });
  assert.deepEqual(
    codesOf(bounds),
    ['type_mismatch sources.s.columns.m.min', 'invalid_definition sources.s.columns.n'].sort(
      (a, b) => (a.includes('.n') ? -1 : b.includes('.n') ? 1 : 0),
    ),
  );
  assert.deepEqual(codesOf(entity('e', { keys: { k: bool() as never } })), [
    'type_mismatch entities.e.keys.k',
  ]);
  assert.deepEqual(codesOf(), ['invalid_definition definitions']);
});

test('a name@version that is defined twice is a conflict unless both are the same', () => {
  const twice = (size: '1h' | '2h', description?: string) =>
    view('twice', {
      ...shape,
      ...(description === undefined ? {} : { description }),
      features: () => ({ n: count().over(sliding(size)) }),
    });
  assert.deepEqual(codesOf(twice('1h'), twice('2h')), ['version_conflict views.twice']);
  assert.deepEqual(codesOf(twice('1h'), twice('1h', 'x')), ['invalid_definition views.twice']);
  assert.deepEqual(codesOf(twice('1h'), twice('1h')), []);
});

test('the outputs of a service are distinct, and no join keys', () => {
  const clash = service('clash', {
    version: 1,
    features: [originDelays.pick('late_24h'), originDelays.all()] as never,
  });
  assert.deepEqual(codesOf(clash), ['invalid_definition services.clash.features.late_24h']);
  const shadow = service('shadow', {
    version: 1,
    features: [originDelays.pick({ airport: 'late_24h' })],
  });
  assert.deepEqual(codesOf(shadow), ['column_collision services.shadow.features.airport']);
  const number = entity('number', { keys: { airport: int64() } });
  const byNumber = view('by_number', {
    version: 1,
    source: stream('numbered', { columns: { ...columns, nr: int64() }, eventTime: 'departs' }),
    entity: number,
    key: { airport: 'nr' },
    features: () => ({ n: count().over(sliding('1h')) }),
  });
  const mixed = service('mixed', {
    version: 1,
    features: [originDelays.pick('late_24h'), byNumber.all()],
  });
  assert.deepEqual(codesOf(mixed), ['type_mismatch services.mixed']);
});

test('an expression over the columns of another source is refused', () => {
  const other = stream('other', {
    columns: { ...columns, extra: string(), delay: string() },
    eventTime: 'departs',
  });
  let stolen: unknown;
  view('thief', {
    ...shape,
    source: other,
    features: (event) => {
      stolen = [event.extra, event.delay];
      return { n: count().over(lifetime()) };
    },
  });
  const [extra, delay] = stolen as never[];
  const mixed = view('mixed', {
    ...shape,
    features: () => ({
      a: last(extra as never).over(lifetime()),
      b: last(delay as never).over(lifetime()),
    }),
  } as never);
  assert.deepEqual(codesOf(mixed), [
    'unknown_name views.mixed.features.a',
    'type_mismatch views.mixed.features.b',
  ]);
});
