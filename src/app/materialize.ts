import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { pause } from '../base/pause.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import { materialize, type TableOutcome } from '../batch/tables/materialize.ts';
import type { MaterializeOptions, TableNow, TablesWorld } from '../batch/tables/tables-world.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import type { BulkDoor } from '../ingest/bulk-door.ts';
import { segmentLog } from '../ingest/history-log.ts';
import type { ProjectPlan, SourcePlan } from '../plan/plan.ts';
import { OfflineCatalog } from '../store/offline-catalog.ts';
import { withBulkDoor } from './bulk-access.ts';
import type { Config } from './config.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { readFence } from './forget/fence-file.ts';
import { isGoneOwner, leaseOwner } from './lease-owner.ts';
import { graceOf } from './observed-grace.ts';
import { openHistory, schemaLookup } from './offline.ts';
import { tokenizerFor } from './privacy/token-keys.ts';
import { appliedPlan } from './project.ts';
import { tellRun } from './tell-lineage.ts';
import { materializeRun } from './told-runs.ts';
import { objectStorageSettings } from './upstream-config.ts';

/**
 * Brings tables up to what is upstream, whether or not a server runs on the data directory.
 * @throws AsofError `not_applied`, `unknown_source`
 */
export async function materializeProject(
  config: Config,
  tables: readonly string[] | 'all',
  options: MaterializeOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<TableOutcome[]> {
  const work = async (door: BulkDoor, plan: ProjectPlan): Promise<TableOutcome[]> => {
    const catalog = OfflineCatalog.open(config.dataDir, systemClock);
    try {
      const tokenizer = await tokenizerFor(config, { sources: plan.sources.filter(isTable) });
      const world = tablesWorld(config, plan, { door, catalog, environment, tokenizer });
      return await materialize(world, tables, options);
    } finally {
      catalog.close();
    }
  };
  if (!options.dryRun) {
    return tellRun(config, materializeRun(tables), () => withBulkDoor(config, work));
  }
  return work(CLOSED_DOOR, (await appliedPlan(config)).plan);
}

interface WorldParts {
  readonly door: BulkDoor;
  readonly catalog: OfflineCatalog;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly tokenizer: Tokenizer | null;
}

function isTable({ origin }: SourcePlan): boolean {
  return (origin ?? null) !== null;
}

function tablesWorld(
  config: Config,
  plan: ProjectPlan,
  { door, catalog, environment, tokenizer }: WorldParts,
): TablesWorld {
  return {
    ...{ plan, door, catalog, pause },
    root: config.root,
    openHistory: () => openHistory(config, plan),
    now: async () => nowOf(config, plan),
    fileNowMs: () => systemClock.nowMs(),
    graceMs: graceOf(config),
    duckdb: { ...duckDbOptions(config), tokenizer },
    fences: readFence(config.dataDir),
    extensions: config.duckdbExtensions,
    remoteSettings: objectStorageSettings(environment),
    postgresUrl: (name) => config.postgres[name] ?? environment[name] ?? null,
    owner: leaseOwner(),
    isGone: isGoneOwner,
    every: (everyMs, tick) => {
      const timer = setInterval(tick, everyMs);
      return () => clearInterval(timer);
    },
  };
}

/** Where arrivals are the clock (semantics §6), no row lies ahead of it: it goes on by them. */
function nowOf(config: Config, plan: ProjectPlan): TableNow {
  const nowMs = systemClock.nowMs();
  if (config.clock === 'wall') return { nowMs, dueMs: nowMs };
  const manifest = new ArchiveFiles(config.dataDir).readManifest();
  let newestMs = 0;
  for (const files of Object.values(manifest.sources)) {
    for (const { maxArrivalTimeMs } of files) newestMs = Math.max(newestMs, maxArrivalTimeMs);
  }
  const log = segmentLog(new NodeDisk(config.dataDir));
  for (const { arrivalTimeMs } of log.read(manifest.archivedCommit, schemaLookup(plan))) {
    newestMs = arrivalTimeMs.reduce((most, each) => Math.max(most, each), newestMs);
  }
  return { nowMs: newestMs, dueMs: nowMs };
}

function closed(): never {
  throw new AsofError('internal', 'A dry run came to the door.');
}

/** A dry run brings nothing. */
const CLOSED_DOOR: BulkDoor = {
  take: closed,
  taken: closed,
  start: closed,
  finish: closed,
};
