import { closeSync, existsSync, fdatasyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { replayServed } from '../batch/replay.ts';
import type { ReplayReport } from '../batch/replay-tally.ts';
import type { SpineSource } from '../batch/spines/spine-input.ts';
import type { TrainingOptions, TrainingReport } from '../batch/training-options.ts';
import { History } from '../ingest/history.ts';
import { segmentLog } from '../ingest/history-log.ts';
import { LOG_FOLDER, segmentsOf } from '../ingest/segment.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { LOCAL_VIEWER } from '../registry/access/viewer.ts';
import { namespaceOf, type SourceSchema } from '../schema/types.ts';
import { newestAnswers } from '../store/serve-log-reader.ts';
import { restrictedIn, viewerOf } from './access/identity.ts';
import { spinePlanFor } from './access/training-rights.ts';
import type { Config } from './config.ts';
import { requireTrainable } from './draft-training.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { trainWithFunctions, withFunctions } from './functions/offline-functions.ts';
import { liveService } from './live-versions.ts';
import { tokenizerIfAny } from './privacy/token-keys.ts';
import { appliedPlan } from './project.ts';
import { withRegistry } from './with-registry.ts';

/** The schemas of a plan by source name; a source that is no longer defined has none. */
export function schemaLookup(plan: ProjectPlan): (source: string) => SourceSchema | undefined {
  const byName = new Map(plan.sources.map((source) => [source.name, source]));
  return (name) => byName.get(name);
}

/**
 * All events of a data directory at one cut, whether or not a server is running on it. What is read
 * is durable first: a server may have written it a moment ago and not yet synced it, and what
 * stands for a commit must not outlive it.
 */
export async function openHistory(
  config: Config,
  plan: ProjectPlan,
  throughCommit?: number,
): Promise<History> {
  const disk = new NodeDisk(config.dataDir);
  const history = await History.open({
    dataDir: config.dataDir,
    log: segmentLog(disk),
    schemaOf: schemaLookup(plan),
    ...(throughCommit === undefined ? {} : { throughCommit }),
  });
  // All earlier segments were synced before the next one began.
  for (const { path } of segmentsOf(disk.list(LOG_FOLDER)).slice(-2)) {
    syncFile(join(config.dataDir, path));
  }
  return history;
}

function syncFile(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    // A segment that has been cut meanwhile is in the archive, durably.
    if (!existsSync(path)) return;
    throw new AsofError('disk_failed', `Cannot open ${path}: ${String(cause)}`, { path, cause });
  }
  try {
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

export type TrainRequest = Omit<
  TrainingOptions,
  'plan' | 'history' | 'clock' | 'duckdb' | 'spine'
> & {
  /** A file by its path, or whatever else rows come from. */
  readonly spine: string | SpineSource;
  /** Also of a version that waits for approval, and is served to nobody. */
  readonly draft?: boolean;
};

/**
 * Builds a training set from a data directory, by the definitions that are applied in it.
 * @throws AsofError `not_applied`, `unknown_service`, `invalid_spine`, `column_collision`
 */
export async function trainProject(config: Config, request: TrainRequest): Promise<TrainingReport> {
  const { plan } = await appliedPlan(config);
  return trainWithFunctions(await trainingOptions(config, request, plan));
}

/**
 * What requests that name no version are answered by: a model is trained on what it will be served.
 * Null where none is served, and the newest version stands.
 */
async function liveVersion(
  config: Config,
  plan: ProjectPlan,
  service: string,
): Promise<number | null> {
  const live = await withRegistry(config, (registry) => liveService(plan, registry, service));
  return live?.version ?? null;
}

/** A request with all that the data directory has to give for it. */
export async function trainingOptions(
  config: Config,
  request: TrainRequest,
  plan: ProjectPlan,
): Promise<TrainingOptions> {
  const version = request.version ?? (await liveVersion(config, plan, request.service));
  const { draft = false, ...asked } = request;
  await requireTrainable(config, plan, { service: request.service, version, draft });
  const spine = typeof request.spine === 'string' ? { path: request.spine } : request.spine;
  const spinePlan = spinePlanFor(config, plan, { service: request.service, version, spine });
  return {
    ...asked,
    ...(version === null ? {} : { version }),
    plan,
    spinePlan,
    history: await openHistory(config, plan),
    spine,
    clock: systemClock,
    duckdb: { ...duckDbOptions(config), tokenizer: await tokenizerIfAny(config, plan) },
  };
}

/** Answers are replayed, and explained by the events behind them, to those who may read both. */
function servedTo(config: Config, plan: ProjectPlan): (service: string) => boolean {
  const viewer = viewerOf(config);
  if (viewer === LOCAL_VIEWER) return () => true;
  const { labels } = viewer.principal;
  const restricted = restrictedIn(config, plan);
  const sourcesOf = (service: string): Set<string> => {
    const versions = plan.services.filter(({ name }) => name === service);
    const views = new Set(versions.flatMap(({ features }) => features.map(({ view }) => view)));
    return new Set(plan.views.filter(({ name }) => views.has(name)).map(({ source }) => source));
  };
  return (service) => {
    if (!viewer.has('editor', namespaceOf(service))) return false;
    const shown = [...sourcesOf(service)].flatMap((source) => restricted.ofSource(source));
    return [...shown, ...restricted.ofServiceNamed(service)].every(({ label }) =>
      labels.includes(label),
    );
  };
}

export interface Verification extends ReplayReport {
  /** Lines of the serve log that are no answers, and were passed over. */
  readonly damaged: number;
}

/**
 * Replays the newest sampled answers of a data directory and compares them with `===`.
 * @throws AsofError `not_applied`
 */
export async function verifyProject(
  config: Config,
  sample: number,
  onProgress: (answers: number, total: number) => void = () => {},
): Promise<Verification> {
  const { plan } = await appliedPlan(config);
  // Answers first: whatever they speak of is durable, so the history that follows must have it.
  const served = new NodeDisk(join(config.dataDir, 'served'));
  const { answers, damaged } = newestAnswers(served, sample, servedTo(config, plan));
  const history = await openHistory(config, plan);
  return withRegistry(config, async (registry) => {
    const report = await withFunctions((functions) =>
      replayServed({
        functions,
        plan,
        planWith: (service, version) => registry.planWith(service, version),
        history,
        historyAt: (earlier, throughCommit) => openHistory(config, earlier, throughCommit),
        answers,
        duckdb: duckDbOptions(config),
        onProgress: (done) => onProgress(done, answers.length),
      }),
    );
    return { ...report, damaged };
  });
}
