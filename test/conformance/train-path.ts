import { join } from 'node:path';
import type { ManualClock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import { STRATEGIES } from '../../src/batch/strategy.ts';
import { buildTrainingSet } from '../../src/batch/training-set.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { History } from '../../src/ingest/history.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { serviceOf } from './answers.ts';
import { SERVICE } from './generate-definitions.ts';
import { randomSpine, SPINE_TABLE, writeSpine } from './random-spine.ts';
import type { Engine, Tally } from './tally.ts';
import { checkTrainedFile } from './trained-rows.ts';

export interface TrainCase {
  /** The path on which the history came to be. */
  readonly engine: Engine;
  readonly random: Random;
  readonly oracle: PlatformOracle;
  readonly history: History;
  readonly session: DuckDbSession;
  readonly clock: ManualClock;
  readonly folder: string;
}

/** A spine with everything that a spine can have, every cell of its training set checked. */
export async function runTrain(tally: Tally, one: TrainCase): Promise<void> {
  const { engine, random, oracle, history, session, clock, folder } = one;
  const { plan } = oracle;
  const service = serviceOf(plan);
  const known = random.below(3) === 0 ? 'final' : 'serving';
  const servingDelayMs = random.below(2) === 0 ? 0 : random.below(2_000_000);
  const spine = randomSpine(random, oracle, service, servingDelayMs);
  const isTimestamp = random.below(3) === 0;
  await writeSpine(session, service, spine, isTimestamp);
  const out = join(folder, 'training.parquet');
  const strategy = random.below(3) === 0 ? null : random.pick(STRATEGIES);
  const report = await buildTrainingSet({
    plan,
    service: SERVICE,
    history,
    spine: { relation: SPINE_TABLE },
    out,
    known,
    servingDelayMs,
    statuses: true,
    clock,
    session,
    ...(strategy === null ? {} : { strategy }),
  });
  for (const [name, parts] of Object.entries(report.strategies)) {
    tally.cover(`training by ${name}`, parts);
  }
  tally.compare(engine, report.throughCommit, history.through, () => 'the commit trained through');
  await checkTrainedFile(tally, engine, session, out, {
    ...{ oracle, spine, isTimestamp, known, servingDelayMs },
    throughCommit: history.through,
    how: `${strategy ?? 'chosen'} strategy`,
  });
}
