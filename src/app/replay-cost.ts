import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { estimateTiles } from '../batch/backfill/group-plan.ts';
import { subjectOfGroup } from '../batch/backfill/world.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import type { ProjectPlan, TileGroupPlan } from '../plan/plan.ts';
import { CATALOG_FILE, OfflineCatalog } from '../store/offline-catalog.ts';
import type { Config } from './config.ts';

/** What building tile groups from the history takes, as far as the archive knows its size. */
export interface ReplayCost {
  /** Archived events of the sources that are read; each once, however many groups read it. */
  readonly events: number;
  /** Days, UTC, from the oldest event time to the newest. */
  readonly days: number;
  /** Of work, one group after another, as backfills before took it. */
  readonly seconds: number;
  /** Of tiles on disk. */
  readonly bytes: number;
}

export type ReplayCostOf = (groups: readonly string[]) => ReplayCost;

const DAY_MS = 86_400_000;

interface History {
  readonly events: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Looks at each source and each group of the plan once. */
export function replayCosts<T>(
  config: Config,
  plan: ProjectPlan,
  work: (costOf: ReplayCostOf) => T,
): T {
  const files = new ArchiveFiles(config.dataDir);
  const catalog = existsSync(join(config.dataDir, CATALOG_FILE))
    ? OfflineCatalog.open(config.dataDir, systemClock)
    : null;
  const histories = new Map<string, History>();
  const historyOf = (source: string): History => {
    const known = histories.get(source) ?? readHistory(files, source);
    histories.set(source, known);
    return known;
  };
  const byId = new Map(plan.groups.map((group) => [group.id, group]));
  try {
    return work((ids) =>
      costOf(
        ids.flatMap((id) => byId.get(id) ?? []),
        historyOf,
        catalog,
      ),
    );
  } finally {
    catalog?.close();
  }
}

function readHistory(files: ArchiveFiles, source: string): History {
  const archived = files.readManifest({ source }).sources[source] ?? [];
  return archived.reduce<History>(
    ({ events, fromMs, toMs }, { rows, minEventTimeMs, maxEventTimeMs }) => ({
      events: events + rows,
      fromMs: Math.min(fromMs, minEventTimeMs),
      toMs: Math.max(toMs, maxEventTimeMs),
    }),
    { events: 0, fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY },
  );
}

function costOf(
  groups: readonly TileGroupPlan[],
  historyOf: (source: string) => History,
  catalog: OfflineCatalog | null,
): ReplayCost {
  const read = new Set(groups.map(({ source }) => source));
  const histories = [...read].map(historyOf).filter(({ events }) => events > 0);
  const fromMs = Math.min(...histories.map((one) => one.fromMs));
  const toMs = Math.max(...histories.map((one) => one.toMs));
  const built = groups.map((group) =>
    estimateTiles(catalog, subjectOfGroup(group), historyOf(group.source).events),
  );
  return {
    events: histories.reduce((sum, { events }) => sum + events, 0),
    days: histories.length === 0 ? 0 : Math.floor(toMs / DAY_MS) - Math.floor(fromMs / DAY_MS) + 1,
    seconds: built.reduce((sum, { estimatedMs }) => sum + estimatedMs, 0) / 1000,
    bytes: built.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0),
  };
}
