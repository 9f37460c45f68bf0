import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { AsofError } from '../base/errors.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { FeatureWork } from './feature-work.ts';
import { RESULT, resultRelation } from './result-table.ts';
import type { Spine } from './spine.ts';
import type { TrainingOptions, TrainingReport } from './training-options.ts';
import { requireFormat } from './training-output.ts';
import { type Advance, joinRows } from './training-rows.ts';
import { writeResult } from './write-result.ts';

/**
 * Joins a spine with the features of a service, each row as of its own time (semantics §6):
 * exactly the spine's rows in the spine's order, its columns unchanged, then the features.
 *
 * @throws AsofError `unknown_service`, `invalid_spine`, `column_collision`, `file_not_found`
 */
export async function buildTrainingSet(options: TrainingOptions): Promise<TrainingReport> {
  const session = options.session ?? (await DuckDbSession.open(options.duckdb));
  try {
    return await train(session, options);
  } catch (cause) {
    rmSync(partial(options.out), { force: true });
    throw cause;
  } finally {
    if (options.session === undefined) session.close();
  }
}

async function train(session: DuckDbSession, options: TrainingOptions): Promise<TrainingReport> {
  const { history, known = 'serving', out, clock } = options;
  const startMs = clock.nowMs();
  const progress = progressOf(options);
  requireFormat(out);
  refuseSameFile(options);
  const joined = await joinRows(session, options, progress);
  const { service, spine, added, delayMs } = joined;
  progress('write the training set', 0.9, spine.rows);
  const viewHashes = viewHashesOf(joined.work);
  const metadata = {
    asof_service: `${service.name}@${service.version}`,
    asof_views: JSON.stringify(viewHashes),
    asof_known: known,
    asof_serving_delay_ms: String(delayMs),
    asof_through_commit: String(history.through),
  };
  const run = options.signal === undefined ? {} : { signal: options.signal };
  await options.onResult?.(session, resultRelation(spine, added));
  await writeResult(session, { spine, added, path: partial(out), format: out, metadata }, run);
  renameSync(partial(out), out);
  await session.run(`DROP TABLE ${RESULT}`);
  progress('done', 1, spine.rows);
  return {
    ...{ service: service.name, version: service.version, features: joined.features },
    ...countedSpine(spine),
    ...{ errors: joined.errors, labels: joined.labels, strategies: joined.strategies },
    known,
    servingDelayMs: delayMs,
    throughCommit: history.through,
    viewHashes,
    seconds: (clock.nowMs() - startMs) / 1000,
    out,
  };
}

function countedSpine({ rows, timeColumn, nullKeys, nullTimes }: Spine) {
  return { rows, timeColumn, nullKeys, nullTimes };
}

function viewHashesOf({ views }: FeatureWork): Readonly<Record<string, string>> {
  return Object.fromEntries(
    views.map(({ view }) => [`${view.name}@${view.version}`, view.hash] as const),
  );
}

/** The labels are worth more than what is made of them. */
function refuseSameFile({ spine, out }: TrainingOptions): void {
  if (!('path' in spine) || !existsSync(out) || !existsSync(spine.path)) return;
  if (realpathSync(out) !== realpathSync(spine.path)) return;
  throw new AsofError('usage', `The output '${out}' is the spine itself.`, {
    remedy: 'Name another file with --out.',
  });
}

/** Written aside, so that a failure leaves what was there before. */
function partial(out: string): string {
  return `${out}.partial`;
}

function progressOf(options: TrainingOptions): Advance {
  return (phase, share, rows) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase, share, rows });
  };
}
