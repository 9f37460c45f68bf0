import { systemClock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { type CompactReport, compactArchive } from '../../ingest/archive-compact.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Config } from '../config.ts';
import { withRegistry } from '../with-registry.ts';
import type { Removal, Sweep, SweepOptions } from './removal.ts';
import { sweepArchive } from './sweep-archive.ts';
import { sweepDatasets } from './sweep-datasets.ts';
import { sweepLetters, sweepServeLog } from './sweep-logs.ts';
import { sweepOffline } from './sweep-offline.ts';
import { sweepRetention } from './sweep-retention.ts';

export interface GarbageReport {
  readonly dryRun: boolean;
  readonly removals: readonly Removal[];
  readonly bytes: number;
  /** What was left for another time, and why. */
  readonly leftOut: readonly string[];
  /** Of small archive files, if that was asked for. */
  readonly compacted: CompactReport | null;
}

/**
 * Takes away what nothing needs: nothing that is named, that a live dataset was made from, or that
 * a reader may still have open. Whether or not a server runs.
 */
export async function collectGarbage(
  config: Config,
  { dryRun, compact }: { readonly dryRun: boolean; readonly compact: boolean },
): Promise<GarbageReport> {
  const { dataDir, retention } = config;
  const leftOut: string[] = [];
  const compacted = compact && !dryRun ? await compactNow(config, leftOut) : null;
  const options: SweepOptions = { dataDir, nowMs: systemClock.nowMs(), dryRun };
  const sweeps: Sweep[] = [
    await withRegistry(config, (registry) => sweepDatasets(registry, options)),
    await withRegistry(config, (registry) =>
      sweepRetention(registry, options, retention.archiveMs),
    ),
    sweepArchive(options),
    await withRegistry(config, async (registry) =>
      sweepOffline(options, await groupsInUse(registry, options.nowMs)),
    ),
    sweepServeLog(options, retention.serveLogMs),
    sweepLetters(config, options),
  ];
  leftOut.push(...sweeps.flatMap((sweep) => sweep.leftOut ?? []));
  const removals = sweeps.flatMap((sweep) => sweep.removals);
  const bytes = removals.reduce((sum, one) => sum + one.bytes, 0);
  return { dryRun, removals, bytes, leftOut, compacted };
}

/** Of what is applied, was so until a short while ago, or is published. */
async function groupsInUse(registry: Registry, nowMs: number): Promise<Set<string>> {
  const plans = await registry.plansSince(nowMs - LIMITS.offlineOrphanMs);
  for (const { service, live, before, canary } of await registry.releases.current()) {
    for (const version of [live, before, canary]) {
      const plan = version === null ? null : await registry.planWith(service, version);
      if (plan !== null) plans.push(plan);
    }
  }
  return new Set(plans.flatMap(({ groups }) => groups.map(({ id }) => id)));
}

async function compactNow(config: Config, leftOut: string[]): Promise<CompactReport | null> {
  try {
    return await compactArchive({
      dataDir: config.dataDir,
      clock: systemClock,
      memoryBytes: LIMITS.archiveMemoryBytes,
    });
  } catch (error) {
    if (!(error instanceof AsofError) || error.code !== 'run_conflict') throw error;
    leftOut.push('compaction: the archive is being written just now');
    return null;
  }
}
