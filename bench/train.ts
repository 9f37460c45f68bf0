import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import type { EventRelations } from '../src/batch/event-relations.ts';
import { buildTrainingSet } from '../src/batch/training-set.ts';
import { sqlName, sqlString } from '../src/ingest/archive-relation.ts';
import { DuckDbSession } from '../src/ingest/duckdb-session.ts';
import { compileProject } from '../src/plan/compile.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';
import { handWrittenSql, type LimitPlan } from './train-limit.ts';
import { DEFINITIONS, type World, writeWorld } from './train-world.ts';

const PLANS: readonly LimitPlan[] = [{ isSorted: false }, { isSorted: true }];

async function ours(world: World): Promise<void> {
  const plan = compileProject(DEFINITIONS);
  const relation = `read_parquet(${sqlString(world.events)})`;
  const history: EventRelations = { through: 0, attach: async () => relation };
  await buildTrainingSet({
    plan,
    service: 'fraud',
    history,
    spine: { path: world.spine },
    out: world.ours,
    clock: systemClock,
  });
}

async function handWritten(world: World, plan: LimitPlan): Promise<void> {
  const session = await DuckDbSession.open();
  await session.run(handWrittenSql(world, plan));
  session.close();
}

/** The fastest of the hand-written plans is the limit. */
async function chooseLimit(world: World): Promise<LimitPlan> {
  let best = { plan: PLANS[0] ?? { isSorted: false }, seconds: Infinity };
  for (const plan of [...PLANS, ...PLANS]) {
    const startMs = performance.now();
    await handWritten(world, plan);
    const seconds = (performance.now() - startMs) / 1000;
    if (seconds < best.seconds) best = { plan, seconds };
  }
  return best.plan;
}

/** Both files hold the same rows in the same order, to the bit. */
async function assertEqual(world: World, rows: number): Promise<void> {
  const session = await DuckDbSession.open();
  const file = (path: string): string =>
    `SELECT * FROM read_parquet(${sqlString(path)}, file_row_number = true)`;
  const described = await session.rows(`DESCRIBE ${file(world.limit)}`);
  const columns = described.map(([name]) => sqlName(String(name))).join(', ');
  const select = (path: string): string => `SELECT ${columns} FROM (${file(path)})`;
  const [counts] = await session.rows(
    `SELECT (SELECT count(*) FROM (${file(world.ours)})),
       (SELECT count(*) FROM (${select(world.ours)} INTERSECT ${select(world.limit)}))`,
  );
  session.close();
  assert.deepEqual(counts, [BigInt(rows), BigInt(rows)], 'both sides give the same training set');
}

/** Builds one training set: 1 M rows, 20 M events, 20 windowed features over 3 entities. */
export async function run(options: BenchOptions): Promise<Measurement> {
  const events = options.quick ? 2_000_000 : 20_000_000;
  const rows = events / 20;
  const folder = mkdtempSync(join(tmpdir(), 'asof-bench-train-'));
  try {
    const world = await writeWorld(folder, events, rows);
    await ours(world);
    for (const plan of PLANS) {
      await handWritten(world, plan);
      await assertEqual(world, rows);
    }
    const plan = await chooseLimit(world);
    return await compare(
      {
        measure: 'training_set',
        unit: 's',
        direction: 'time',
        limitName: `the best hand-written DuckDB SQL, events ${plan.isSorted ? 'sorted' : 'as they are'}`,
        work: 1,
        per: 1,
        rounds: 3,
        ours: { run: () => ours(world) },
        limit: { run: () => handWritten(world, plan) },
      },
      options,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
