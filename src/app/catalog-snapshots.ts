import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { fingerprintOf } from '../batch/backfill/group-plan.ts';
import { subjectOfGroup } from '../batch/backfill/world.ts';
import { tileBuilder } from '../batch/tiles/tile-builder.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { CATALOG_FILE, OfflineCatalog } from '../store/offline-catalog.ts';
import { OfflineFiles } from '../store/offline-files.ts';
import type { PartitionPart } from '../store/offline-partition.ts';
import type { TileSnapshots } from '../stream/tile-snapshots.ts';

/**
 * What backfills have published, for the stream engine to begin from. It is a shortcut: where the
 * catalog cannot be read, groups are built from the events, and that is logged.
 */
export function catalogSnapshots(
  dataDir: string,
  plan: ProjectPlan,
  logger: Logger,
): TileSnapshots {
  const files = new OfflineFiles(dataDir);
  const builder = tileBuilder(plan);
  const parts = new Map<string, PartitionPart>();
  return {
    find: (id) => {
      const group = plan.groups.find((one) => one.id === id);
      if (group === undefined || !existsSync(join(dataDir, CATALOG_FILE))) return null;
      const fingerprint = fingerprintOf({ builder }, { group });
      const found = liveParts(dataDir, subjectOfGroup(group), fingerprint, logger);
      if (found === null) return null;
      const listed = found.parts.flatMap((part) => {
        if (part.path === null) return [];
        const path = files.real(part.path);
        parts.set(path, part);
        return [{ path, day: Number(part.details.day) }];
      });
      return { throughCommit: found.throughCommit, files: listed };
    },
    isSound: async ({ path }) => {
      const part = parts.get(path);
      if (part === undefined || part.path === null || !files.exists(part.path)) return false;
      return (await files.checksum(part.path)) === part.checksum;
    },
  };
}

function liveParts(
  dataDir: string,
  name: string,
  fingerprint: string,
  logger: Logger,
): { readonly throughCommit: number; readonly parts: readonly PartitionPart[] } | null {
  try {
    const catalog = OfflineCatalog.open(dataDir, systemClock);
    try {
      // One reading of both, so that no publishing comes between.
      return catalog.reading(() => {
        const subject = catalog.partitions.subject(name);
        if (subject === null || subject.throughCommit === 0) return null;
        if (subject.details.fingerprint !== fingerprint) return null;
        const { throughCommit } = subject;
        const parts = catalog.partitions.live(name);
        // Each file by itself: a reader of one form cannot make sense of another.
        if (parts.some((part) => part.fingerprint !== fingerprint)) return null;
        return { throughCommit, parts };
      });
    } finally {
      catalog.close();
    }
  } catch (error) {
    if (!(error instanceof AsofError)) throw error;
    logger.warn({ code: error.code, error: error.message }, 'the offline catalog is not readable');
    return null;
  }
}
