import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { AggregateFeaturePlan, ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import type { FeatureValue } from '../schema/types.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import { loadEvents, type ModelEvent } from './random-events.fixture.ts';
import { CHANGES } from './random-project.fixture.ts';
import { replayServed } from './replay.ts';
import { eventAt, tinyProject } from './tiny-project.fixture.ts';

let session: DuckDbSession;

before(async () => {
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => session.close());

/** The tiny project with another group or feature. */
function changed(
  group: Partial<TileGroupPlan>,
  feature: Partial<AggregateFeaturePlan> = {},
): ProjectPlan {
  const plan = tinyProject();
  const view = present(plan.views[0], 'a view');
  const total = present(view.features[0], 'a feature') as AggregateFeaturePlan;
  const service = present(plan.services[0], 'a service');
  const type = feature.type ?? total.type;
  return {
    ...plan,
    sources: plan.sources.map((source) => ({
      ...source,
      changes: group.retractable ? CHANGES : null,
    })),
    groups: plan.groups.map((one) => ({ ...one, ...group })),
    views: [{ ...view, features: [{ ...total, ...feature }] }],
    services: [{ ...service, features: service.features.map((one) => ({ ...one, type })) }],
  };
}

function takeBack(origin: ModelEvent, commit: number): ModelEvent {
  const { partition, offset, eventTimeMs } = origin;
  const arrivalTimeMs = eventTimeMs + 20;
  return { ...origin, commit, offset: commit, arrivalTimeMs, retracts: { partition, offset } };
}

async function explained(
  plan: ProjectPlan,
  events: readonly ModelEvent[],
  commit: number,
  total: FeatureValue,
) {
  const history = await loadEvents(session, events, plan.sources[0]?.changes !== null);
  const answer: ServedAnswer = {
    ...{ service: 'svc', version: 1, key: { user: 'a' }, asOfMs: 1_000, commit },
    ...{ values: { total }, statuses: { total: 'present' } },
  };
  const { mismatches } = await replayServed({ plan, history, answers: [answer], session });
  const { explanation } = present(mismatches[0], 'a mismatch');
  return [explanation.kind, ...explanation.events.map((event) => event.commit)];
}

test('a value with a retraction too few or too early names it', async () => {
  const plan = changed({ retractable: true, keep: 3 });
  const [first, second] = [eventAt(1, 950, 7), eventAt(2, 960, 100)];
  const events = [
    ...[first, second, takeBack(first, 3), eventAt(4, 970, 2_000)],
    takeBack(second, 5),
  ];
  assert.deepEqual(await explained(plan, events, 4, 2_107), ['retraction_missed', 3]);
  assert.deepEqual(await explained(plan, events, 4, 2_000), ['after_position', 5]);
  assert.deepEqual(await explained(plan, events, 5, 2_100), ['missing_event', 5]);
  assert.deepEqual(await explained(plan, events, 5, 9), ['unknown', 1, 3, 2, 5, 4]);
});

test('a list or histogram that lacks an event, or has one twice, names it', async () => {
  const spec = { lane: 0, type: { kind: 'int64' }, size: 5 } as const;
  const parts = { value: 0 };
  const lists = changed(
    { accumulators: [{ ...spec, fn: 'newest' }] },
    { fn: 'last_n', count: 3, parts, type: { kind: 'list', of: spec.type } },
  );
  const amounts = [5, 6, 7, 8];
  const events = amounts.map((amount, i) => eventAt(i + 1, 950 + i, amount));
  assert.deepEqual(await explained(lists, events, 4, [5, 6, 8]), ['missing_event', 3]);
  assert.deepEqual(await explained(lists, events, 4, [7, 8, 8]), ['counted_twice', 4]);
  assert.deepEqual(await explained(lists, events, 3, [6, 7, 8]), ['after_position', 4]);
  const counts = changed(
    { accumulators: [{ ...spec, fn: 'value_counts' }] },
    { fn: 'histogram', parts, type: { kind: 'counts', of: spec.type } },
  );
  const served = [5, 7, 8].map((value) => ({ value, count: 1 }));
  assert.deepEqual(await explained(counts, events, 4, served), ['missing_event', 2]);
});

test('a session that breaks at the gap itself, or lacks an event, says so', async () => {
  const windows: readonly WindowSpec[] = [{ kind: 'session', gapMs: 30 }];
  const plan = changed({ windows });
  const times = [900, 939, 950, 980, 990];
  const events = times.map((timeMs, i) => eventAt(i + 1, timeMs, 10 ** i));
  // 900 is 39 before 939; from there on no gap is more than 30, and one is just that.
  assert.deepEqual(await explained(plan, events, 5, 11_000), ['boundary', 1, 2, 3, 4, 5]);
  assert.deepEqual(await explained(plan, events, 5, 1_110), ['missing_event', 5]);
  assert.deepEqual(await explained(plan, events, 4, 11_110), ['after_position', 5]);
});

test('an attribute that lacks its newest row, or is read beyond its time to live, is explained', async () => {
  const base = tinyProject().groups[0];
  const lane = {
    ...present(base?.lanes[0], 'a lane'),
    quantizeScale: null,
    nullable: true,
  } as const;
  const group = {
    lanes: [lane],
    accumulators: [{ fn: 'latest', lane: 0, type: { kind: 'int64' }, size: 1 }],
    windows: [{ kind: 'lifetime', hopMs: 1, complete: false }],
  } as const;
  const plan = changed(group, { fn: 'latest', parts: { value: 0 }, window: 0, ttlMs: 75 });
  const times = [910, 930, 960, 970];
  const events = times.map((time, index) => eventAt(index + 1, time, 10 ** index));
  assert.deepEqual(await explained(plan, events, 3, 10), ['missing_event', 3]);
  assert.deepEqual(await explained(plan, events, 3, 1_000), ['after_position', 4]);
  // The row of 910 is too old at 1000: no history gives its value.
  assert.equal((await explained(plan, events, 1, 1))[0], 'unknown');
});
