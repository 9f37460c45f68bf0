import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { count } from '../../define/aggregate.ts';
import { string, timestamp } from '../../define/column.ts';
import { entity } from '../../define/entity.ts';
import { service } from '../../define/service.ts';
import { stream } from '../../define/stream.ts';
import { view } from '../../define/view.ts';
import { lifetime, session, sliding } from '../../define/window.ts';
import type { ArchiveFile } from '../../ingest/archive-manifest.ts';
import { compileProject } from '../../plan/compile.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { isUnneeded, needsOf } from './archive-retention.ts';

const HOUR_MS = 3_600_000;

function planOf(window: ReturnType<typeof sliding> | ReturnType<typeof lifetime>): ProjectPlan {
  const events = stream('events', {
    columns: { user: string(), at: timestamp() },
    eventTime: 'at',
    allowedLateness: '2h',
  });
  const user = entity('user', { keys: { user: string() } });
  const use = view('use', {
    version: 1,
    source: events,
    entity: user,
    key: { user: 'user' },
    features: () => ({ n: count().over(window) }),
  });
  return compileProject([
    events,
    user,
    use,
    service('users', { version: 1, features: [use.all()] }),
  ]);
}

function sourceOf(plan: ProjectPlan) {
  const [source] = plan.sources;
  assert.ok(source !== undefined);
  return source;
}

interface Event {
  readonly commit: number;
  readonly eventMs: number;
  readonly arrivalMs: number;
}

function fileOf(events: readonly Event[]): ArchiveFile {
  const of = (pick: (event: Event) => number): number[] => events.map(pick);
  const commits = of((event) => event.commit);
  return {
    path: `archive/events/${Math.min(...commits)}.parquet`,
    arrivalDate: '1970-01-01',
    first: { commit: Math.min(...commits), offset: 0 },
    last: { commit: Math.max(...commits), offset: 0 },
    rows: events.length,
    bytes: 1,
    minEventTimeMs: Math.min(...of((event) => event.eventMs)),
    maxEventTimeMs: Math.max(...of((event) => event.eventMs)),
    minArrivalTimeMs: Math.min(...of((event) => event.arrivalMs)),
    maxArrivalTimeMs: Math.max(...of((event) => event.arrivalMs)),
    schema: 's',
  };
}

test('no event goes that a dataset, a window or an answer that is kept can need', () => {
  const nowMs = 90 * 24 * HOUR_MS;
  const event = fc.record({
    arrivalMs: fc.integer({ min: 0, max: nowMs }),
    lateMs: fc.integer({ min: 0, max: 2 * HOUR_MS }),
  });
  const windowHours = fc.integer({ min: 1, max: 200 });
  let gone = 0;
  fc.assert(
    fc.property(
      fc.array(fc.array(event, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 }),
      fc.array(windowHours, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 0, max: 45 }), { maxLength: 2 }),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 24, max: 60 * 24 }),
      (files, hours, datasets, answeredDaysAgo, keptHours) => {
        let commit = 0;
        const written = files.map((events) =>
          events.map(({ arrivalMs, lateMs }) => {
            commit += 1;
            return { commit, arrivalMs, eventMs: Math.max(0, arrivalMs - lateMs) };
          }),
        );
        const plans = hours.map((each) => planOf(sliding(`${each}h`)));
        const [plan] = plans;
        assert.ok(plan !== undefined);
        const held = datasets.map((throughCommit) => ({
          throughCommit,
          sources: new Set(['events']),
        }));
        const answeredMs = nowMs - answeredDaysAgo * 24 * HOUR_MS;
        const needs = needsOf(sourceOf(plan), plans, held, answeredMs);
        const beforeMs = nowMs - keptHours * HOUR_MS;
        for (const events of written) {
          if (!isUnneeded(fileOf(events), needs, beforeMs)) continue;
          gone += 1;
          for (const { eventMs, arrivalMs, commit: own } of events) {
            assert.ok(arrivalMs < beforeMs, 'younger than its retention');
            for (const each of hours) {
              assert.ok(eventMs < answeredMs - each * HOUR_MS, `a window of ${each} h reaches it`);
            }
            for (const through of datasets) assert.ok(own > through, 'a dataset was made from it');
          }
        }
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(gone > 10, `${gone} files go: the rule is not empty`);
});

test('lifetimes, sessions, tables and changes keep everything', () => {
  const old = fileOf([{ commit: 5, eventMs: 1, arrivalMs: 2 }]);
  const far = 1e12;
  const isGone = (plan: ProjectPlan, source = sourceOf(plan)): boolean =>
    isUnneeded(old, needsOf(source, [plan], [], far), far);
  const plan = planOf(sliding('1h'));
  assert.equal(isGone(plan), true);
  assert.equal(isGone(planOf(lifetime())), false);
  assert.equal(isGone(planOf(session('1h') as unknown as ReturnType<typeof lifetime>)), false);
  const source = sourceOf(plan);
  const changes = { column: 'op', keep: 5 } as unknown as NonNullable<typeof source.changes>;
  assert.equal(isGone(plan, { ...source, changes }), false);
  const origin = { key: [] } as unknown as typeof source.origin;
  assert.equal(isGone(plan, { ...source, origin }), false);
});
