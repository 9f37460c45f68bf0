import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { avg, count, last, max, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { countDistinct, lastN, median, topK } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session, sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { explainPlan } from '../../src/plan/explain.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { estimateState } from '../../src/plan/state-estimate.ts';
import type { EventBatch } from '../../src/schema/batch.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import type { StateUsage } from '../../src/stream/state-budget.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';

const MINUTE_MS = 60_000;
const user = entity('user', { keys: { user: string() } });
const clicks = stream('clicks', {
  columns: { at: timestamp(), user: string(), page: string(), price: int64() },
  eventTime: 'at',
});
const shape = { version: 1, source: clicks, entity: user, key: { user: 'user' } } as const;

/** Definitions, and whether what keys really take is within a quarter of the estimate. */
const SHAPES: readonly (readonly [what: string, isSimple: boolean, plan: () => ProjectPlan])[] = [
  [
    'a count of all time',
    true,
    () =>
      compileProject([view('v', { ...shape, features: () => ({ n: count().over(lifetime()) }) })]),
  ],
  [
    'sums of an hour and all time',
    true,
    () =>
      compileProject([
        view('v', {
          ...shape,
          features: (click) => ({
            mean_1h: avg(click.price).over(sliding('1h')),
            most: max(click.price).over(lifetime()),
            total: sum(click.price).over(sliding('20m')),
          }),
        }),
      ]),
  ],
  [
    'texts',
    true,
    () =>
      compileProject([
        view('v', { ...shape, features: (click) => ({ page: last(click.page).over(lifetime()) }) }),
      ]),
  ],
  [
    'two groups of tiles, one of sessions that seldom end',
    false,
    () =>
      compileProject([
        view('v', {
          ...shape,
          features: (click) => ({
            n: count().over(lifetime()),
            in_a_row: sum(click.price).over(session('2m')),
          }),
        }),
      ]),
  ],
  [
    'lists',
    false,
    () =>
      compileProject([
        view('v', {
          ...shape,
          features: (click) => ({
            pages: topK(click.page, 3, { maxDistinct: 20 }).over(sliding('30m')),
            some: countDistinct(click.price, { exactUpTo: 30 }).over(lifetime()),
            newest: lastN(click.price, 5).over(lifetime()),
            middle: median(click.price).over(lifetime()),
          }),
        }),
      ]),
  ],
];

/** The state after events of so many keys, each of which has some in every minute. */
async function usageOf(
  plan: ProjectPlan,
  keys: number,
  minutes: number,
): Promise<readonly StateUsage[]> {
  const engine = await StreamEngine.open({
    plan,
    state: diskState({ disk: new MemoryDisk(seededRandom(1)), folder: 'state' }),
    log: { firstCommit: 1, lastCommit: 0, read: () => [] },
    history: null,
    clock: new ManualClock(0),
    logger: silentLogger,
    policy: neverCheckpoint,
  });
  const random = seededRandom(keys);
  for (let minute = 0; minute < minutes; minute++) {
    engine.apply(batchOf(minute, keys, (bound) => random.below(bound)));
  }
  const usage = engine.stateUsage();
  await engine.abandon();
  return usage;
}

function batchOf(minute: number, keys: number, below: (bound: number) => number): EventBatch {
  const timeMs = new Float64Array(keys).fill(1_000_000 * MINUTE_MS + minute * MINUTE_MS);
  const texts = (make: (i: number) => string): EventBatch['columns'][number] => ({
    kind: 'string',
    type: { kind: 'string' },
    values: Array.from({ length: keys }, (_, i) => make(i)),
    valid: null,
  });
  return {
    source: 'clicks',
    partition: 0,
    firstOffset: minute * keys,
    commit: minute + 1,
    count: keys,
    eventTimeMs: timeMs,
    arrivalTimeMs: timeMs,
    // By name, as the plan has them.
    columns: [
      { kind: 'number', type: { kind: 'timestamp' }, values: timeMs, wide: null, valid: null },
      texts(() => `page-${below(40)}`),
      {
        kind: 'number',
        type: { kind: 'int64' },
        values: Float64Array.from({ length: keys }, () => below(2_000) - 1_000),
        wide: null,
        valid: null,
      },
      texts((i) => `user-${i}`),
    ],
  };
}

test('what the plan says of the state is never less than what it takes, and seldom much more', async () => {
  for (const [what, isSimple, makePlan] of SHAPES) {
    for (const [keys, minutes] of [
      [20, 90],
      [300, 200],
      [5_000, 4],
    ] as const) {
      const plan = makePlan();
      const sized = {
        ...plan,
        views: plan.views.map((one) => ({ ...one, state: { ...one.state, keys } })),
      };
      const [estimate] = estimateState(sized, explainPlan(sized)).views;
      const [usage] = await usageOf(sized, keys, minutes);
      assert.ok(usage !== undefined && estimate !== undefined && estimate.bytesMax !== null);
      const says = `${what}, ${keys} keys: ${usage.bytes} bytes, at most ${estimate.bytesMax}`;
      assert.equal(usage.hotKeys, keys);
      assert.ok(usage.bytes <= estimate.bytesMax, says);
      // Few keys are less than the room for the first ones, and few minutes leave tiles out.
      if (isSimple && keys === 300) assert.ok(usage.bytes * 4 >= estimate.bytesMax, says);
      const typical = estimate.bytesTypical ?? 0;
      assert.ok(typical > 0 && typical <= estimate.bytesMax, `${what}: ${typical} typically`);
    }
  }
});
