import { seededRandom } from '../base/random.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { randomProject } from './random-project.fixture.ts';

const NO_PARAMETERS = { count: null, rankPpm: null, ttlMs: null } as const;

/** One view on users: how many events ever, and the sum of their costs. */
export function countingProject(): ProjectPlan {
  const { plan: base } = randomProject(seededRandom(1));
  const int64 = { kind: 'int64' } as const;
  const decimal = { kind: 'decimal', scale: 2 } as const;
  const window = { kind: 'lifetime', hopMs: 1, complete: false } as const;
  const cost = { kind: 'column', name: 'cost', type: decimal } as const;
  const tiles = {
    id: 'g',
    source: 'pay',
    entity: 'user',
    keyColumns: ['user'],
    filter: null,
    lanes: [{ measure: cost, filter: null, quantizeScale: null }],
    accumulators: [
      { fn: 'count', lane: 0, type: decimal },
      { fn: 'sum', lane: 0, type: decimal },
    ],
    windows: [window],
    retractable: false,
    latenessMs: 0,
    keep: 0,
  } as const;
  const meta = { owner: null, description: null, tags: [] };
  const shared = { kind: 'aggregate', group: 'g', window: 0, meta, ...NO_PARAMETERS } as const;
  const features = [
    { ...shared, name: 'n', fn: 'count', parts: { count: 0 }, scale: 0, type: int64, default: 0 },
    {
      ...shared,
      name: 'spent',
      fn: 'sum',
      parts: { count: 0, sum: 1 },
      scale: 2,
      type: decimal,
      default: null,
    },
  ] as const;
  const view = { ...base.views[0], name: 'pays', entity: 'user', filter: null, features };
  const outputs = features.map(({ name, type }) => {
    return { name, view: 'pays', version: 1, feature: name, type };
  });
  const joinKeys = [{ name: 'user', type: { kind: 'string' } }] as const;
  const service = { name: 'svc', version: 1, features: outputs, joinKeys, hash: 'h', meta };
  const onRequest = { request: [], onDemand: [] };
  return {
    ...base,
    groups: [tiles],
    views: [view as never],
    services: [{ ...service, ...onRequest }],
  };
}
