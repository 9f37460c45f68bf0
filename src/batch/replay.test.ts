import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { present } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';
import { call, column, literal } from '../expr/build.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import { oracleAnswers } from './oracle-values.fixture.ts';
import {
  loadEvents,
  type ModelEvent,
  type ModelPoint,
  randomEvents,
  randomPoints,
} from './random-events.fixture.ts';
import { randomProject, randomSession } from './random-project.fixture.ts';
import { replayServed } from './replay.ts';
import { eventAt, tinyProject } from './tiny-project.fixture.ts';

const SEEDS = 8;

let session: DuckDbSession;

before(async () => {
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => session.close());

function answerOf(
  plan: ProjectPlan,
  events: readonly ModelEvent[],
  point: ModelPoint,
  isVisible: (event: ModelEvent) => boolean = (event) => event.commit <= point.commit,
): ServedAnswer {
  return {
    service: 'svc',
    version: 1,
    key: { user: point.user, shop: point.shop },
    asOfMs: point.timeMs ?? 0,
    commit: point.commit,
    ...oracleAnswers(plan, events, point, isVisible),
  };
}

function isAskable(point: ModelPoint): boolean {
  return point.timeMs !== null && (point.user ?? '') !== '' && point.shop !== null;
}

/** Asks for every service's features at random times and positions, and replays them. */
async function confirm(seed: number, keep: number, sessions: boolean): Promise<void> {
  const random = seededRandom(seed);
  const { plan } = sessions
    ? randomProject(random, keep, randomSession)
    : randomProject(random, keep);
  const events = randomEvents(random, 200, keep > 0);
  const history = await loadEvents(session, events, keep > 0);
  const through = Math.max(0, ...events.map((event) => event.commit));
  const points = randomPoints(random, events, 60)
    .filter(isAskable)
    .map((point) => ({ ...point, commit: Math.min(point.commit, through) }));
  const answers = points.map((point) => answerOf(plan, events, point));
  const report = await replayServed({ plan, history, answers, session });
  assert.equal(report.answers, answers.length);
  assert.deepEqual(report.mismatches, [], `seed ${seed}`);
  const features = plan.services[0]?.features.length ?? 0;
  assert.equal(report.identical, answers.length * features, `seed ${seed}`);
}

test('every answer is confirmed at its time and position', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    await confirm(seed, seed % 2 === 0 ? 0 : 1 + (seed % 4), false);
  }
});

test('so is every answer over sessions, the error where too much was taken back', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await confirm(seed, seed % 4, true);
});

test('a mismatch names the event or the rule that explains it', async () => {
  const plan = tinyProject();
  const amounts = [3, 50, 700, 1_100, 13_000, 170_000];
  const times = [900, 901, 950, 960, 980, 985];
  const events = times.map((time, index) => eventAt(index + 1, time, amounts[index] ?? 0));
  const history = await loadEvents(session, events);
  const answer = (total: number | null, more: Partial<ServedAnswer> = {}): ServedAnswer => ({
    service: 'svc',
    version: 1,
    key: { user: 'a' },
    asOfMs: 1_000,
    commit: 5,
    values: { total },
    statuses: { total: 'present' },
    ...more,
  });
  // The window is (900, 1000]: commits 2 to 5 count.
  const right = 50 + 700 + 1_100 + 13_000;
  const cases: readonly [ServedAnswer, string, readonly number[]][] = [
    [answer(right + 170_000), 'after_position', [6]],
    [answer(right - 13_000), 'missing_event', [5]],
    [answer(right - 700), 'missing_event', [3]],
    [answer(right + 1_100), 'counted_twice', [4]],
    [answer(right + 3), 'boundary', [1]],
    [answer(12), 'unknown', [1, 2, 3, 4, 5, 6]],
    [answer(right, { statuses: { total: 'default' } }), 'status', []],
    [answer(right, { statuses: {} }), 'status', []],
    [answer(right, { version: 2 }), 'definition', []],
    [answer(right, { commit: 7 }), 'history_behind', []],
    [answer(right, { values: { other: 1 } }), 'definition', []],
  ];
  for (const [given, kind, commits] of cases) {
    const report = await replayServed({ plan, history, answers: [given], session });
    const mismatch = present(report.mismatches[0], `a mismatch: ${kind}`);
    const { explanation } = mismatch;
    assert.equal(explanation.kind, kind, explanation.text);
    assert.deepEqual(
      explanation.events.map((event) => event.commit),
      commits,
    );
  }
  const report = await replayServed({ plan, history, answers: [answer(right)], session });
  assert.deepEqual(report, {
    answers: 1,
    values: 1,
    identical: 1,
    mismatched: 0,
    unknown: 0,
    mismatches: [],
    throughCommit: 6,
  });
  // What was not there is not compared; what was stale is, and is confirmed by its value.
  const stale = answer(right, { statuses: { total: 'stale' } });
  const late = answer(0, { statuses: { total: 'timeout' }, unknown: ['total'] });
  const both = await replayServed({ plan, history, answers: [stale, late], session });
  assert.deepEqual([both.values, both.identical, both.unknown, both.mismatched], [1, 1, 1, 0]);
  const wrong = answer(right + 1, { statuses: { total: 'stale' } });
  const refuted = await replayServed({ plan, history, answers: [wrong], session });
  assert.equal(refuted.mismatched, 1);
});

test('statuses are those that serving gives: of a sum beyond int64, and of what derives from it', async () => {
  const { plan, events } = overflowProject();
  const history = await loadEvents(session, events);
  const answers = [
    [1, { total: 2n ** 62n, twice: -1 }, { total: 'present', twice: 'error' }],
    [2, { total: null, twice: -1 }, { total: 'error', twice: 'error' }],
    [0, { total: 7, twice: 14 }, { total: 'default', twice: 'present' }],
  ] as const;
  for (const [commit, values, statuses] of answers) {
    const given: ServedAnswer = {
      ...{ service: 'svc', version: 1, key: { user: 'a' }, asOfMs: 1_000, commit },
      ...{ values, statuses },
    };
    const report = await replayServed({ plan, history, answers: [given], session });
    assert.deepEqual(report.mismatches, []);
  }
});

/** Twice a total that may be 2^62 or overflow, with -1 where it cannot be told. */
function overflowProject(): { plan: ProjectPlan; events: ModelEvent[] } {
  const plan = tinyProject();
  const view = present(plan.views[0], 'a view');
  const total = { ...present(view.features[0], 'a feature'), default: 7 } as const;
  const expr = call('mul', [column('total', INT64), literal(INT64, 2)]);
  const { meta } = view;
  const twice = { kind: 'derived', name: 'twice', expr, type: INT64, default: -1, meta } as const;
  const service = present(plan.services[0], 'a service');
  const output = { name: 'twice', view: view.name, version: 1, feature: 'twice', type: INT64 };
  return {
    plan: {
      ...plan,
      views: [{ ...view, features: [total, twice] }],
      services: [{ ...service, features: [...service.features, output] }],
    },
    events: [eventAt(1, 990, 2n ** 62n), eventAt(2, 991, 2n ** 62n)],
  };
}

const INT64 = { kind: 'int64' } as const;

test('a decimal that differs is told with its point', async () => {
  const plan = tinyProject();
  const decimal = { kind: 'decimal', scale: 2 } as const;
  const service = present(plan.services[0], 'a service');
  const features = service.features.map((feature) => ({ ...feature, type: decimal }));
  const history = await loadEvents(session, [eventAt(1, 990, 150)]);
  const answer: ServedAnswer = {
    ...{ service: 'svc', version: 1, key: { user: 'a' }, asOfMs: 1_000, commit: 1 },
    ...{ values: { total: 160 }, statuses: { total: 'present' } },
  };
  const changed = { ...plan, services: [{ ...service, features }] };
  const { mismatches } = await replayServed({ plan: changed, history, answers: [answer], session });
  assert.deepEqual(mismatches[0]?.text, { served: '1.6', replayed: '1.5' });
  for (const [value, text] of [
    ['x', '"x"'],
    [1.5, '1.5'],
    [2n ** 60n, '11529215046068469.76'],
  ] as const) {
    const wrong = { ...answer, values: { total: value } };
    const report = await replayServed({ plan: changed, history, answers: [wrong], session });
    assert.equal(report.mismatches[0]?.text.served, text);
  }
});
