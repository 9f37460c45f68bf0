import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../src/base/limits.ts';
import type { LifecycleState } from '../../src/registry/lifecycle.ts';
import type { VersionState } from '../../src/registry/lifecycle-rows.ts';
import { FeatureServer } from '../../src/serve/feature-server.ts';
import { objectSink } from '../../src/serve/object-sink.ts';
import { ServingWorld } from '../serving/world.ts';
import { DRIVERS } from './drivers.ts';

function server() {
  const { plan, store, clock } = new ServingWorld(DRIVERS);
  const features = new FeatureServer({ plan, store, clock });
  const state = (version: number, of: LifecycleState): VersionState =>
    ({ kind: 'view', name: 'driver_stats', version, state: of }) as VersionState;
  const ask = (version: number | null, feature = 'daily_trips') =>
    features.read(
      {
        ...{ service: undefined, version: undefined, model: undefined },
        features: [{ view: 'driver_stats', version, feature }],
        rows: [{ driver_id: 1 }],
      },
      objectSink,
    );
  return { features, state, ask };
}

test('a view that is not served is not read by itself either', () => {
  const { features, state, ask } = server();
  const resolved = () =>
    features.resolve([{ view: 'driver_stats', version: null, feature: 'daily_trips' }])[0]?.version;
  assert.equal(resolved(), 2);
  features.gate([state(1, 'active'), state(2, 'in_review')]);
  assert.equal(resolved(), 1);
  assert.throws(() => ask(2), { code: 'not_active' });
  features.gate([state(1, 'deprecated'), state(2, 'active')]);
  assert.equal(resolved(), 2);
  features.gate([state(1, 'retired')]);
  assert.throws(() => ask(null), { code: 'not_active' });
  assert.throws(() => ask(1), { code: 'not_active' });
  features.gate([state(2, 'active')]);
  assert.ok(ask(2));
});

test('of lists of features that are asked for, a bounded number is kept compiled', () => {
  const { features } = server();
  const names = [
    'conv_rate',
    'daily_trips',
    'name',
    'last_fare',
    'is_active',
    'last_seen',
    'place',
  ];
  const compiled = (bits: number) =>
    features.read(
      {
        ...{ service: undefined, version: undefined, model: undefined },
        features: names
          .filter((_, i) => (bits >> i) & 1)
          .map((feature) => ({ view: 'driver_stats', version: null, feature })),
        rows: [{ driver_id: bits }],
      },
      (head) => ({ row: () => {}, end: () => head.compiled }),
    );
  const first = compiled(1);
  assert.equal(compiled(1), first);
  for (let bits = 2; bits <= LIMITS.adHocServices; bits++) compiled(bits);
  assert.equal(compiled(1), first);
  for (let bits = 2; bits <= LIMITS.adHocServices + 1; bits++) compiled(bits);
  assert.notEqual(compiled(1), first);
  assert.deepEqual([...features.counters().keys()].sort(), [
    'driver_activity@1',
    'driver_activity@2',
    'driver_old@1',
  ]);
});
