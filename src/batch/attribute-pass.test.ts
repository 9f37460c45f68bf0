import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';
import type { EventRelations } from './event-relations.ts';
import { oracleAnswers } from './oracle-values.fixture.ts';
import {
  loadEvents,
  type ModelEvent,
  type ModelPoint,
  randomEvents,
  randomPoints,
  scalarSql,
} from './random-events.fixture.ts';
import { randomProject } from './random-project.fixture.ts';
import { replayServed } from './replay.ts';
import { buildTrainingSet } from './training-set.ts';

const SEEDS = 16;

let folder = '';
let session: DuckDbSession;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-attributes-'));
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

interface World {
  readonly plan: ProjectPlan;
  readonly events: readonly ModelEvent[];
  readonly points: readonly ModelPoint[];
  readonly history: EventRelations;
}

/** Attributes alone; times are rough, so that many rows have the same, and arrivals are not in order. */
async function worldOf(random: Random, keep: number): Promise<World> {
  const { plan } = randomProject(random, keep, undefined, ['latest']);
  const roughMs = (ms: number): number => Math.floor(ms / 500) * 500;
  const moved = new Map<string, number>();
  const events = randomEvents(random, 150, keep > 0).map((event): ModelEvent => {
    const origin = event.retracts ?? event;
    const id = `${origin.partition}:${origin.offset}`;
    const own = moved.get(id) ?? random.below(90);
    moved.set(id, own);
    const arrivalTimeMs = event.arrivalTimeMs + own;
    return { ...event, eventTimeMs: roughMs(event.eventTimeMs), arrivalTimeMs };
  });
  const history = await loadEvents(session, events, keep > 0);
  return { plan, events, points: randomPoints(random, events, 60), history };
}

function keepOf(seed: number): number {
  return [0, 1, 2, 5, 1_000][seed % 5] ?? 0;
}

test('training has the values and statuses of the oracle', async () => {
  const seen = new Map<unknown, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { plan, events, points, history } = await worldOf(seededRandom(seed), keepOf(seed));
    const rows = points.map(
      ({ user, shop, timeMs }) => `(${[user, shop, timeMs].map(scalarSql).join(', ')})`,
    );
    await session.run(`CREATE OR REPLACE TABLE spine ("user" VARCHAR, shop INTEGER, event_time BIGINT);
      INSERT INTO spine VALUES ${rows.join(', ')}`);
    const known = seed % 3 === 0 ? 'final' : 'serving';
    const out = join(folder, `${seed}.parquet`);
    const build = {
      plan,
      service: 'svc',
      history,
      spine: { relation: 'spine' },
      out,
      known,
    } as const;
    const delayMs = known === 'serving' && seed % 2 === 0 ? 35 : 0;
    const more = { servingDelayMs: delayMs, statuses: true, clock: new ManualClock(0), session };
    await buildTrainingSet({ ...build, ...more });
    const result = await session.run(`SELECT * FROM read_parquet(${sqlString(out)})`);
    const trained = await result.getRowObjects();
    for (const [index, point] of points.entries()) {
      const knownMs = (point.timeMs ?? 0) - delayMs;
      const isVisible = (event: ModelEvent): boolean =>
        known === 'final' || event.arrivalTimeMs <= knownMs;
      const { values, statuses } = oracleAnswers(plan, events, point, isVisible);
      for (const { name, fn } of plan.views.flatMap(({ features }) =>
        features.flatMap((one) => (one.kind === 'aggregate' ? [one] : [])),
      )) {
        assert.equal(fn, 'latest');
        const what = `seed ${seed}, row ${index}, ${name}`;
        assert.deepEqual(canonical(trained[index]?.[name]), values[name], what);
        const status = statuses[name] ?? null;
        assert.equal(trained[index]?.[`${name}_status`], status, what);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    }
  }
  for (const status of ['present', 'missing', 'expired', 'error', null]) {
    assert.ok((seen.get(status) ?? 0) > 20, `${status} is met: ${JSON.stringify([...seen])}`);
  }
});

test('replay confirms every answer at its position, also where that is ahead of its time', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { plan, events, points, history } = await worldOf(seededRandom(seed), keepOf(seed));
    const answers = points
      .filter(({ timeMs, user, shop }) => timeMs !== null && user && shop !== null)
      .map((point) => ({
        service: 'svc',
        version: 1,
        key: { user: point.user, shop: point.shop },
        asOfMs: point.timeMs ?? 0,
        commit: Math.min(point.commit, history.through),
        ...oracleAnswers(
          plan,
          events,
          point,
          (event) => event.commit <= Math.min(point.commit, history.through),
        ),
      }));
    const report = await replayServed({ plan, history, answers, session });
    assert.equal(report.identical, answers.length * (plan.services[0]?.features.length ?? 0));
    assert.deepEqual(report.mismatches, [], `seed ${seed}`);
  }
});

function canonical(value: unknown): Scalar {
  if (typeof value === 'bigint') return canonicalInteger(value);
  if (typeof value === 'object' && value !== null && 'value' in value) {
    return canonicalInteger(value.value as bigint);
  }
  return value as Scalar;
}
