import { type WindowSpec, windowRange } from '../../src/aggregate/window.ts';
import { present } from '../../src/base/assert.ts';
import type { OracleEvent as LoggedEvent } from '../../src/ingest/acceptance-oracle.ts';
import type { AggregateFeaturePlan, ProjectPlan, ServicePlan } from '../../src/plan/plan.ts';
import type {
  Knows,
  OracleAnswer,
  OracleKey,
  PlatformOracle,
} from '../../src/testing/platform-oracle.ts';
import type { Tally } from './tally.ts';

/** In a tile these always have a value. */
const NEVER_LACKING = ['count', 'avg', 'var_pop', 'stddev_pop'];
const KEYS = ['user', 'shop', 's'] as const;

/** What the changes of a push came to. */
export function coverChanges(tally: Tally, made: readonly LoggedEvent[]): void {
  made.forEach((event, i) => {
    if (!event.retracts) return;
    const next = made[i + 1];
    if (next === undefined || next.retracts || next.id !== event.id) {
      tally.cover('change delete');
      return;
    }
    const isMoved = KEYS.some((name) => event.values[name] !== next.values[name]);
    if (isMoved) tally.cover('change of a key');
    if (event.eventTimeMs !== next.eventTimeMs) tally.cover('change of a time');
    if (!isMoved && event.eventTimeMs === next.eventTimeMs) tally.cover('change of a value');
  });
}

/** Which functions and windows answered where something was taken back, and what they lacked. */
export function coverRetractions(
  tally: Tally,
  oracle: PlatformOracle,
  service: ServicePlan,
  answer: {
    readonly key: OracleKey;
    readonly timeMs: number;
    readonly knows: Knows;
    readonly outputs: ReadonlyMap<string, OracleAnswer>;
  },
): void {
  const { key, timeMs, knows, outputs } = answer;
  for (const view of retractableViews(oracle.plan)) {
    const taken = oracle.known(view, key, knows).filter(({ retracts }) => retracts);
    if (taken.length === 0) continue;
    for (const feature of view.features) {
      if (feature.kind !== 'aggregate') continue;
      const window = windowOf(oracle.plan, feature);
      if (taken.some((one) => isOut(window, one.eventTimeMs, one.arrivalTimeMs))) {
        tally.cover('retraction of what had left its window');
      }
      if (!taken.some((one) => isNear(window, one.eventTimeMs, timeMs))) continue;
      tally.cover(`retraction under ${feature.fn}`);
      tally.cover(`retraction in a ${window.kind === 'session' ? 'session' : 'tile'}`);
      const output = service.features.find(
        (one) =>
          one.view === view.name && one.version === view.version && one.feature === feature.name,
      );
      if (output === undefined || outputs.get(output.name)?.status !== 'error') continue;
      if (window.kind === 'session') {
        if (NEVER_LACKING.includes(feature.fn)) tally.cover('lacking session');
      } else tally.cover(`lacking ${feature.fn}`);
    }
  }
}

/** Attributes whose newest rows have one event time, and arrived at different times. */
export function coverTies(
  tally: Tally,
  oracle: PlatformOracle,
  key: OracleKey,
  knows: Knows,
): void {
  for (const view of oracle.plan.views) {
    if (!view.features.some((one) => one.kind === 'aggregate' && one.fn === 'latest')) continue;
    const rows = oracle.known(view, key, knows).filter(({ retracts }) => !retracts);
    const newestMs = Math.max(...rows.map(({ eventTimeMs }) => eventTimeMs));
    const newest = rows.filter(({ eventTimeMs }) => eventTimeMs === newestMs);
    const arrivals = new Set(newest.map(({ arrivalTimeMs }) => arrivalTimeMs));
    if (arrivals.size > 1) tally.cover('rows of one event time');
  }
}

/** Training rows that may know an event, but not yet that it is taken back. */
export function coverBetween(
  tally: Tally,
  oracle: PlatformOracle,
  key: OracleKey,
  atMs: number,
  throughCommit: number,
): void {
  for (const view of retractableViews(oracle.plan)) {
    const events = oracle.known(view, key, ({ commit }) => commit <= throughCommit);
    const isBetween = events.some(({ retracts, arrivalTimeMs }) => {
      if (!retracts || arrivalTimeMs <= atMs) return false;
      const { partition, offset } = retracts;
      const original = events.find((one) => one.partition === partition && one.offset === offset);
      return original !== undefined && original.arrivalTimeMs <= atMs;
    });
    if (isBetween) tally.cover('trained between an event and its retraction');
  }
}

/** Answers for one key of which one was given before a retraction, and another one after it. */
export function coverServed(
  tally: Tally,
  oracle: PlatformOracle,
  answers: readonly { readonly key: OracleKey; readonly commit: number }[],
): void {
  const byKey = Map.groupBy(answers, ({ key }) => JSON.stringify(Object.entries(key).map(String)));
  for (const view of retractableViews(oracle.plan)) {
    for (const served of byKey.values()) {
      const commits = served.map(({ commit }) => commit);
      const [least, most] = [Math.min(...commits), Math.max(...commits)];
      const key = present(served[0], 'an answer of the group').key;
      const taken = oracle.known(view, key, ({ commit }) => commit > least && commit <= most);
      if (taken.some(({ retracts }) => retracts)) {
        tally.cover('replayed before and after a retraction');
        return;
      }
    }
  }
}

function retractableViews({ views, sources }: ProjectPlan) {
  return views.filter(({ source }) => sources.find(({ name }) => name === source)?.changes);
}

function windowOf(plan: ProjectPlan, feature: AggregateFeaturePlan): WindowSpec {
  const group = plan.groups.find(({ id }) => id === feature.group);
  return present(group?.windows[feature.window], 'a feature has its window');
}

function isNear(window: WindowSpec, eventMs: number, timeMs: number): boolean {
  if (window.kind === 'session') return eventMs <= timeMs && timeMs - eventMs <= window.gapMs;
  const { startMs, endMs } = windowRange(window, timeMs);
  return eventMs >= startMs && eventMs < endMs;
}

function isOut(window: WindowSpec, eventMs: number, timeMs: number): boolean {
  return !isNear(window, eventMs, timeMs) && eventMs < timeMs && window.kind !== 'lifetime';
}
