import { present } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { ModelEvent } from './random-events.fixture.ts';
import { randomProject } from './random-project.fixture.ts';

/** A project of one key's amounts: count, sum and max over the last 100 ms. */
export function tinyProject(): ProjectPlan {
  const { plan } = randomProject(seededRandom(1));
  const group = present(plan.groups[0], 'a group');
  const view = present(plan.views[0], 'a view');
  const int64 = { kind: 'int64' } as const;
  const amount = { kind: 'column', name: 'amount', type: int64 } as const;
  const spec = { lane: 0, type: int64 };
  const tiles = {
    ...group,
    id: 'g',
    filter: null,
    lanes: [{ measure: amount, filter: null, quantizeScale: null }],
    accumulators: [
      { ...spec, fn: 'count' },
      { ...spec, fn: 'sum' },
    ],
    windows: [{ kind: 'sliding', sizeMs: 100, hopMs: 1, exact: true, complete: false }],
  } as const;
  const meta = view.meta;
  const sum = {
    kind: 'aggregate',
    name: 'total',
    fn: 'sum',
    group: 'g',
    window: 0,
    parts: { count: 0, sum: 1 },
    count: null,
    ttlMs: null,
    rankPpm: null,
    scale: 0,
    type: int64,
    default: null,
    meta,
  } as const;
  const output = { name: 'total', view: view.name, version: 1, feature: 'total', type: int64 };
  const service = { ...present(plan.services[0], 'a service'), features: [output] };
  const joinKeys = [{ name: 'user', type: { kind: 'string' } }] as const;
  return {
    ...plan,
    groups: [tiles],
    views: [{ ...view, filter: null, features: [sum] }],
    services: [{ ...service, joinKeys, request: [], onDemand: [] }],
  };
}

export function eventAt(commit: number, eventTimeMs: number, amount: number | bigint): ModelEvent {
  const values = { user: 'a', shop: 1, amount, price: 0, cost: 0, label: '', flag: true };
  const arrivalTimeMs = eventTimeMs + 5;
  const place = { commit, partition: 0, offset: commit, eventTimeMs, arrivalTimeMs };
  return { ...place, values, retracts: null };
}
