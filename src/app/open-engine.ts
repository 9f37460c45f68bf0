import { systemClock } from '../base/clock.ts';
import { importingSources } from '../ingest/bulk-note.ts';
import { History } from '../ingest/history.ts';
import { segmentLog } from '../ingest/history-log.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { diskState } from '../store/state-store.ts';
import { checkpointPolicy, DEFAULT_THRESHOLDS } from '../stream/checkpoint-policy.ts';
import { StreamEngine } from '../stream/stream-engine.ts';
import type { RestoredState } from '../stream/stream-engine-options.ts';
import { catalogSnapshots } from './catalog-snapshots.ts';
import type { Config } from './config.ts';
import { schemaLookup } from './offline.ts';
import type { Parts } from './platform-parts.ts';

/** The engine of a plan, over what is saved in a folder, the archive and the log. */
export async function openEngine(
  config: Config,
  { disk, log, logger, publisher }: Parts,
  plan: ProjectPlan,
  folder: string,
): Promise<StreamEngine> {
  const history = await History.open({
    dataDir: config.dataDir,
    log: segmentLog(disk),
    schemaOf: schemaLookup(plan),
  });
  return StreamEngine.open({
    plan,
    state: diskState({ disk, folder }),
    log,
    history,
    clock: systemClock,
    logger,
    policy: checkpointPolicy(DEFAULT_THRESHOLDS),
    importing: importingSources(log.notes),
    snapshots: catalogSnapshots(config.dataDir, plan, logger),
    stateMemoryBytes: config.stateMemoryMiB * 2 ** 20,
    ...(publisher.isOn
      ? { onRestored: (restored: RestoredState) => publisher.attach(restored, folder, plan) }
      : {}),
  });
}

/** What was applied is published before, and saved. */
export async function closeEngine(
  engine: StreamEngine | null,
  { publisher, logger }: Pick<Parts, 'publisher' | 'logger'>,
): Promise<void> {
  await publisher.detach();
  await engine?.close().catch((error: unknown) => {
    logger.error({ error: String(error) }, 'a checkpoint failed; the log still holds everything');
  });
}
