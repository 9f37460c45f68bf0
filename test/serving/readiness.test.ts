import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import type { ServingOptions } from '../../src/define/serving-options.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ServicePlan } from '../../src/plan/plan.ts';
import { storeReadiness } from '../../src/serve/readiness.ts';

const taps = stream('taps', {
  columns: { user: string(), amount: int64(), at: timestamp() },
  eventTime: 'at',
});
const user = entity('user', { keys: { user: string() } });
const counts = view('counts', {
  ...{ version: 1, source: taps, entity: user, key: { user: 'user' } },
  features: () => ({ taps_1h: count().over(sliding('1h')) }),
});

function services(...options: (ServingOptions<'taps_1h'> | undefined)[]): ServicePlan[] {
  const all = options.map((serving, at) =>
    service(`s${at}`, {
      ...{ version: 1, features: [counts.all()] },
      ...(serving === undefined ? {} : { serving }),
    }),
  );
  return [...compileProject(all).services];
}

const WELL = { hasHead: true, isRead: true, missingGroups: 0 };
const AWAY = { ...WELL, isRead: false };

test('a store that can be read, and speaks for all that is defined, makes ready', () => {
  const all = { services: services(undefined) };
  assert.deepEqual(storeReadiness({ ...WELL, ...all }), {
    ...{ ready: true, degraded: false, reasons: [] },
  });
  const empty = storeReadiness({ ...WELL, hasHead: false, ...all });
  assert.equal(empty.ready, false);
  assert.match(empty.reasons.join(), /Nothing is published/);
  const missing = storeReadiness({ ...WELL, missingGroups: 2, services: services({}) });
  assert.equal(missing.ready, false);
  assert.match(missing.reasons.join(), /2 tile groups/);
});

test('a store that is away leaves those ready who say what is answered then', () => {
  const told = services({ onFailure: 'default' }, { onFailure: { lastKnown: '1m' } });
  const kept = storeReadiness({ ...AWAY, services: told });
  assert.deepEqual([kept.ready, kept.degraded], [true, true]);
  assert.match(kept.reasons.join(), /cannot be read/);
  const never = storeReadiness({ ...AWAY, hasHead: false, services: told });
  assert.equal(never.ready, false);
});

test('one service that cannot answer without the store is enough', () => {
  const silent = storeReadiness({ ...AWAY, services: services({}, undefined) });
  assert.deepEqual([silent.ready, silent.degraded], [false, false]);
  assert.match(silent.reasons.join(), /1 services do not say/);
  const strict = services({ required: ['taps_1h'] });
  assert.equal(storeReadiness({ ...AWAY, services: strict }).ready, false);
  const keeping = services({ required: ['taps_1h'], onFailure: { lastKnown: '1m' } });
  assert.equal(storeReadiness({ ...AWAY, services: keeping }).ready, true);
});
