import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, sum } from '../define/aggregate.ts';
import { int64, string, timestamp } from '../define/column.ts';
import { dashboard } from '../define/dashboard.ts';
import { dataset } from '../define/dataset.ts';
import { entity } from '../define/entity.ts';
import { model } from '../define/model.ts';
import { service } from '../define/service.ts';
import { spineFile } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import { type ChangeImpact, Impacts, type ReleasedVersion } from './impact.ts';

interface Shape {
  readonly size?: '1h' | '2h';
  readonly min?: number;
  readonly keys?: number | null;
  readonly owner?: string;
}

/** Payments, a view of two features, and one reader of each kind of one of them. */
function project({ size = '1h', min = 0, keys = 1_000, owner = 'x' }: Shape = {}) {
  const payments = stream('payments', {
    columns: {
      user: string(),
      amount: int64().min(min),
      note: string().optional(),
      at: timestamp(),
    },
    eventTime: 'at',
  });
  const spend = view('spend', {
    version: 1,
    source: payments,
    entity: entity('user', { keys: { user: string() } }),
    key: { user: 'user' },
    ...(keys === null ? {} : { state: { keys } }),
    owner,
    features: (payment) => ({
      spent: sum(payment.amount).over(sliding(size)),
      ever: count().over(lifetime()),
    }),
  });
  const checks = service('fraud.checks', { version: 1, features: [spend.pick('spent')] });
  const counts = service('counts', { version: 3, features: [spend.pick('ever')] });
  const board = dashboard('board', { reads: [spend.pick('spent')] });
  const scorer = model('fraud.scorer', { version: 7, service: checks });
  const rows = dataset('rows', { version: 1, service: checks, spine: spineFile('rows.parquet') });
  return compileProject([checks, counts, board, scorer, rows]);
}

const RELEASED: readonly ReleasedVersion[] = [
  { service: 'fraud.checks', version: 1, as: 'canary' },
  { service: 'counts', version: 3, as: 'live' },
];

function impactsOf(
  before: ReturnType<typeof project> | null,
  after: ReturnType<typeof project>,
  visible?: (name: string) => boolean,
): ReadonlyMap<string, ChangeImpact> {
  const impacts = new Impacts(before, after, RELEASED, visible);
  const { changes } = diffPlans(before, after);
  return new Map(changes.map((change) => [`${change.kind} ${change.name}`, impacts.of(change)]));
}

test('a feature that changes touches what reads that feature, and nothing else', () => {
  const impact = impactsOf(project(), project({ size: '2h' })).get('view spend');
  assert.deepEqual(impact?.touches, {
    features: ['spend@1.spent'],
    services: ['fraud.checks@1'],
    models: ['fraud.scorer@7'],
    datasets: ['rows@1'],
    dashboards: ['board'],
    released: ['fraud.checks@1 (canary)'],
    hidden: 0,
  });
  assert.deepEqual(
    [impact.cost.groupsAdded.length, impact.cost.groupsRemoved.length],
    [1, 1],
    'both features share one group',
  );
});

test('a source that changes touches all that its rows are in; what is described touches nothing', () => {
  const source = impactsOf(project(), project({ min: 1 })).get('source payments')?.touches;
  // A payment that is rejected for its amount is not counted either.
  assert.deepEqual(source?.services, ['counts@3', 'fraud.checks@1']);
  assert.deepEqual(source?.features, ['spend@1.ever', 'spend@1.spent']);
  assert.deepEqual(impactsOf(project(), project({ min: 1 })).get('source payments')?.cost, {
    ...{ groupsAdded: [], groupsRemoved: [], bytesAdded: 0, bytesRemoved: 0 },
  });
  const described = impactsOf(project(), project({ owner: 'y' })).get('view spend');
  assert.deepEqual(described?.touches.services, []);
  assert.deepEqual(described?.cost.groupsAdded, []);
});

test('what may not be seen is counted', () => {
  const seen = (name: string): boolean => !name.startsWith('fraud.');
  const impact = impactsOf(project(), project({ size: '2h' }), seen).get('view spend');
  assert.deepEqual([impact?.touches.services, impact?.touches.models], [[], []]);
  assert.deepEqual([impact?.touches.released, impact?.touches.hidden], [[], 2]);
  assert.doesNotMatch(JSON.stringify(impact), /fraud/);
});

test('state is told by declared keys; where none are, that it is not known', () => {
  const first = impactsOf(null, project()).get('view spend')?.cost;
  const more = impactsOf(null, project({ keys: 2_000 })).get('view spend')?.cost;
  assert.ok(Number(first?.bytesAdded) > 1_000);
  assert.equal(more?.bytesAdded, 2 * Number(first?.bytesAdded));
  assert.deepEqual([first?.groupsRemoved, first?.bytesRemoved], [[], 0]);
  const open = impactsOf(null, project({ keys: null })).get('view spend')?.cost;
  assert.equal(open?.bytesAdded, null);
});
