import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import { count } from '../../src/define/aggregate.ts';
import { string } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { model } from '../../src/define/model.ts';
import { service } from '../../src/define/service.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { type LifecycleState, titleOf, type VersionId } from '../../src/registry/lifecycle.ts';
import type { VersionState } from '../../src/registry/lifecycle-rows.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { flights, ServingWorld } from './world.ts';

const airport = entity('airport', { keys: { airport: string() } });
const lateOf = (version: number) =>
  service('late', {
    version,
    features: [
      view('delays', {
        ...{ version, source: flights, entity: airport, key: { airport: 'origin' } },
        features: () => ({ n: count().over(sliding(version === 1 ? '1h' : '2h')) }),
      }).all(),
    ],
  });
const scorer = model('scorer', { version: 7, service: lateOf(1) });
const world = new ServingWorld([lateOf(1), lateOf(2), scorer]);

/** The states of all versions, by `kind name@version`; what is not named is active. */
function statesOf(named: Readonly<Record<string, LifecycleState>>): VersionState[] {
  const ids: VersionId[] = [
    ...[1, 2].map((version): VersionId => ({ kind: 'view', name: 'delays', version })),
    ...[1, 2].map((version): VersionId => ({ kind: 'service', name: 'late', version })),
    { kind: 'model', name: 'scorer', version: 7 },
  ];
  return ids.map((id) => ({
    ...id,
    state: named[titleOf(id)] ?? 'active',
    ...{ digest: '', author: 'jan', contentAuthor: 'jan', submittedBy: null, round: 0 },
    ...{ marks: [], risk: null, sinceMs: 5, deprecatedUntilMs: 9, successor: 2, reason: null },
  }));
}

const rows = [{ airport: 'SFO' }];
const server = () =>
  new FeatureServer({ plan: world.plan, store: world.store, clock: new ManualClock(1) });

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'answered';
  } catch (error) {
    return error instanceof AsofError ? `${error.code}: ${error.message}` : String(error);
  }
};

test('only what is active or deprecated answers, and no view behind it is less', () => {
  const features = server();
  const version = () => features.get('late', rows).version;
  assert.equal(version(), 2, 'without a word of the lifecycle all answer');
  features.gate(statesOf({ 'service late@2': 'in_review' }));
  assert.equal(version(), 1, 'the newest that may answer');
  assert.equal(
    codeOf(() => features.getJson('late', rows, 2)),
    'not_active: The service late@2 is in review.',
  );
  assert.match(
    codeOf(() => features.get('late', rows, 3)),
    /^unknown_service/,
  );
  features.gate(statesOf({ 'view delays@2': 'draft' }));
  assert.equal(
    codeOf(() => features.getJson('late', rows, 2)),
    'not_active: The service late@2 reads the view delays@2, which is draft.',
  );
  features.route([{ service: 'late', live: 2, canary: null, canaryPpm: 0 }]);
  assert.equal(version(), 1, 'a route to what may not answer is passed over');
  features.gate(statesOf({}));
  assert.equal(version(), 2);
  features.gate(statesOf({ 'view delays@2': 'retired', 'service late@1': 'draft' }));
  assert.match(
    codeOf(() => features.get('late', rows)),
    /^not_active/,
  );
  assert.deepEqual(features.services(), []);
  // What nobody has applied is served by nobody's word.
  features.gate([]);
  assert.match(
    codeOf(() => features.get('late', rows)),
    /^not_active/,
  );
  features.use(world.plan);
  assert.match(
    codeOf(() => features.get('late', rows)),
    /^not_active/,
  );
});

test('a model that is not active may not read', () => {
  const features = server();
  const read = () => codeOf(() => features.getModelJson('scorer@7', rows));
  assert.equal(read(), 'answered');
  for (const state of ['draft', 'in_review', 'retired'] as const) {
    features.gate(statesOf({ 'model scorer@7': state }));
    assert.match(read(), /^not_active: The model scorer@7 is/);
  }
  features.gate(statesOf({ 'service late@1': 'retired' }));
  assert.match(read(), /^not_active: The service late@1 is retired/);
  features.gate(statesOf({ 'model scorer@7': 'deprecated' }));
  assert.equal(read(), 'answered');
});

test('what is deprecated says so in every answer, the same in both of its forms', () => {
  const features = server();
  features.gate(statesOf({ 'view delays@1': 'deprecated' }));
  const deprecated = {
    what: 'view delays@1',
    ...{ sinceMs: 5, untilMs: 9, successor: 'delays@2' },
  };
  const answer = features.get('late', rows, 1);
  assert.deepEqual(answer.deprecated, deprecated);
  assert.deepEqual(JSON.parse(features.getJson('late', rows, 1)), { ...answer });
  assert.deepEqual(JSON.parse(features.getModelJson('scorer@7', rows)).deprecated, deprecated);
  const { state, deprecation } = features.service('late', 1);
  assert.deepEqual([state, deprecation], ['active', deprecated]);
  assert.equal('deprecated' in features.get('late', rows, 2), false);
  features.gate(statesOf({}));
  assert.equal('deprecated' in JSON.parse(features.getJson('late', rows, 1)), false);
});

test('a service of drafts alone has no share of anything, and is no error', () => {
  const features = server();
  features.gate(statesOf({ 'service late@1': 'draft', 'service late@2': 'draft' }));
  assert.deepEqual([features.share('late', 1), features.share('late', 2)], [0, 0]);
  assert.equal(features.has('late'), true);
  assert.deepEqual(features.services(), []);
});

test('where the released version may not answer, the share is that of the one that does', () => {
  const features = server();
  features.route([{ service: 'late', live: 2, canary: null, canaryPpm: 0 }]);
  features.gate(statesOf({ 'service late@2': 'draft' }));
  assert.deepEqual([features.share('late', 1), features.share('late', 2)], [1, 0]);
});
