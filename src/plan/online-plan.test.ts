import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { count, sum } from '../define/aggregate.ts';
import { int64, string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import { selectedGroups } from './online-plan.ts';

const user = entity('user', { keys: { user: string() } });
const clicks = stream('clicks', {
  columns: { user: string(), cost: int64(), at: timestamp() },
  eventTime: 'at',
});

/** Views of one source and entity, which share their tiles. */
function planOf(...onlines: readonly unknown[]) {
  const views = onlines.map((online, i) =>
    view(`v${i}`, {
      ...{ version: 1, source: clicks, entity: user, key: { user: 'user' } },
      features: (click) => ({
        n: count().over(sliding('1h')),
        spent: sum(click.cost).over(lifetime()),
      }),
      ...(online === undefined ? {} : { online: online as 'all' }),
    }),
  );
  const features = views.map((one, i) => one.pick({ [`n${i}`]: 'n' }));
  return compileProject([service('s', { version: 1, features: features as never })]);
}

test('of views that share tiles the one with the most keys decides', () => {
  const chosen = (...onlines: readonly unknown[]): unknown[] => [
    ...selectedGroups(planOf(...onlines)).values(),
  ];
  assert.deepEqual(chosen('read', 'read'), ['read']);
  assert.deepEqual(chosen('read', undefined), []);
  assert.deepEqual(chosen('all', { top: 5 }), []);
  assert.deepEqual(chosen({ top: 5 }, { top: 7 }, { top: 6 }), [{ top: 7 }]);
  assert.deepEqual(chosen({ top: 5 }, 'read'), ['read']);
});

test('which keys are online is no part of what a view means, and is told', () => {
  const [all, read, top] = [planOf('all'), planOf('read'), planOf({ top: 3 })];
  assert.equal(
    new Set([planOf(undefined), all, read, top].map((one) => one.views[0]?.hash)).size,
    1,
  );
  assert.deepEqual(planOf(undefined), all);
  const text = JSON.stringify([diffPlans(all, read), diffPlans(read, top)]);
  assert.match(text, /online_changed/);
  assert.match(text, /those that are read/);
  assert.match(text, /the 3 that are read most/);
});

test('what is no choice of keys is refused', () => {
  for (const online of ['reed', { top: 0 }, { top: 1.5 }, { top: 1e9 }, {}]) {
    assert.throws(
      () => planOf(online),
      (error) =>
        error instanceof AsofError && error.issues.some(({ path }) => path === 'views.v0.online'),
    );
  }
});
