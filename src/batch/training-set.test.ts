import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import { canonicalValue } from './canonical-value.fixture.ts';
import { oracleAnswers } from './oracle-values.fixture.ts';
import {
  loadEvents,
  type ModelEvent,
  type ModelPoint,
  randomEvents,
  randomPoints,
  scalarSql,
} from './random-events.fixture.ts';
import { randomProject, randomSession } from './random-project.fixture.ts';
import { STRATEGIES, type Strategy } from './strategy.ts';
import { buildTrainingSet } from './training-set.ts';

const SEEDS = 12;

let folder = '';
let session: DuckDbSession;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-train-'));
  session = await DuckDbSession.open({ threads: 2 });
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

async function spineOf(points: readonly ModelPoint[]): Promise<void> {
  await session.run(`CREATE OR REPLACE TABLE spine
    (note VARCHAR, "user" VARCHAR, shop INTEGER, event_time BIGINT, target DOUBLE)`);
  const rows = points.map(
    ({ user, shop, timeMs }, index) =>
      `('n${index}', ${scalarSql(user)}, ${scalarSql(shop)}, ${scalarSql(timeMs)}, ${index}.5)`,
  );
  if (rows.length > 0) await session.run(`INSERT INTO spine VALUES ${rows.join(', ')}`);
}

interface Case {
  readonly seed: number;
  readonly known: 'serving' | 'final';
  readonly servingDelayMs: number;
  readonly strategy: Strategy | null;
  /** Entries that are kept where events can be taken back; 0 where they cannot. */
  readonly keep: number;
  /** Whether all windows are sessions. */
  readonly sessions?: boolean;
}

async function check(one: Case): Promise<Readonly<Partial<Record<Strategy, number>>>> {
  const random = seededRandom(one.seed);
  const { plan } = one.sessions
    ? randomProject(random, one.keep, randomSession)
    : randomProject(random, one.keep);
  const retractable = one.keep > 0;
  const events = randomEvents(
    random,
    one.sessions ? 300 : random.pick([0, 5, 120, 300]),
    retractable,
  );
  const points = randomPoints(random, events, one.sessions ? 90 : random.pick([0, 1, 60]));
  const history = await loadEvents(session, events, retractable);
  await spineOf(points);
  const out = join(folder, `${one.seed}.parquet`);
  const report = await buildTrainingSet({
    plan,
    service: 'svc',
    history,
    spine: { relation: 'spine' },
    out,
    known: one.known,
    servingDelayMs: one.servingDelayMs,
    clock: new ManualClock(0),
    session,
    ...(one.strategy === null ? {} : { strategy: one.strategy }),
  });
  const rows = await session.rows(`SELECT * FROM read_parquet(${sqlString(out)})`);
  assert.equal(rows.length, points.length);
  const delay = one.known === 'serving' ? one.servingDelayMs : 0;
  for (const [index, point] of points.entries()) {
    const timeMs = point.timeMs ?? 0;
    const isVisible = (event: ModelEvent): boolean =>
      one.known === 'final' || event.arrivalTimeMs <= timeMs - delay;
    const { values: expected } = oracleAnswers(plan, events, point, isVisible);
    const row = rows[index] ?? [];
    assert.deepEqual(row.slice(0, 5).map(canonicalValue), [
      `n${index}`,
      point.user,
      point.shop,
      point.timeMs,
      index + 0.5,
    ]);
    for (const [at, name] of report.features.entries()) {
      const actual = canonicalValue(row[5 + at]);
      if (isDeepStrictEqual(actual, expected[name])) continue;
      const feature = plan.views.flatMap((view) => view.features).find((f) => f.name === name);
      const group = plan.groups.find((each) => each.id === name);
      assert.fail(
        `${JSON.stringify(one)} row ${index} ${JSON.stringify(point)}: ${name} is ${inspect(actual)},` +
          ` not ${inspect(expected[name])}: ${inspect({ feature, group }, { depth: 9 })}`,
      );
    }
  }
  return report.strategies;
}

for (const strategy of [null, ...STRATEGIES]) {
  test(`${strategy ?? 'chosen'} strategies give the oracle's values`, async () => {
    const ran: Partial<Record<Strategy, number>> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const known = seed % 3 === 0 ? 'final' : 'serving';
      const servingDelayMs = seed % 4 === 0 ? 35 : 0;
      const keep = seed % 2 === 0 ? 0 : 1 + (seed % 5);
      const strategies = await check({ seed, known, servingDelayMs, strategy, keep });
      for (const each of STRATEGIES) ran[each] = (ran[each] ?? 0) + (strategies[each] ?? 0);
    }
    assert.ok((ran[strategy ?? 'direct'] ?? 0) > 0, `it ran: ${JSON.stringify(ran)}`);
  });
}

test('sessions are the chains of what each row may know, and of what is left of it', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const known = seed % 3 === 0 ? 'final' : 'serving';
    const keep = [0, 1, 2, 4, 9][seed % 5] ?? 0;
    const servingDelayMs = seed % 4 === 0 ? 9 : 0;
    await check({ seed, known, servingDelayMs, strategy: null, keep, sessions: true });
  }
});

test('over many row groups all strategies write the same training set', async () => {
  const { plan } = randomProject(seededRandom(9));
  const drawn = (salt: number, below: number): string => `(hash(i, ${salt}) % ${below})::BIGINT`;
  await loadEvents(session, []);
  await session.run(`INSERT INTO pay SELECT i // 100, i % 3, i // 3, i * 7 - ${drawn(0, 500)} + 500,
      i * 7 + 500, (['a', 'b', 'ü'])[1 + ${drawn(1, 3)}], ${drawn(2, 3)}, ${drawn(3, 1000)} - 500,
      ${drawn(4, 1000)} / 8, ${drawn(5, 1000)}, 'x' || ${drawn(6, 9)}, ${drawn(7, 2)} = 0
    FROM range(140000) AS x(i)`);
  await session.run(`CREATE OR REPLACE TABLE spine AS
    SELECT (['a', 'b', 'none'])[1 + i % 3] AS "user", i % 4 AS shop,
      ${drawn(8, 1_000_000)} AS event_time FROM range(60) AS x(i)`);
  const files: string[] = [];
  for (const strategy of STRATEGIES) {
    const out = join(folder, `${strategy}.csv`);
    await buildTrainingSet({
      plan,
      service: 'svc',
      history: { through: 1400, attach: async () => 'pay' },
      spine: { relation: 'spine' },
      out,
      clock: new ManualClock(0),
      session,
      strategy,
    });
    files.push(readFileSync(out, 'utf8'));
  }
  assert.equal(files[0]?.split('\n').length, 62);
  for (const [index, file] of files.entries()) assert.equal(file, files[0], STRATEGIES[index]);
});
