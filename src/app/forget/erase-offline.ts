import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { subjectOfGroup } from '../../batch/backfill/world.ts';
import type { TileGroupPlan } from '../../plan/plan.ts';
import { CATALOG_FILE, OfflineCatalog } from '../../store/offline-catalog.ts';
import { OfflineFiles } from '../../store/offline-files.ts';
import { bytesOf, removeFile } from '../gc/removal.ts';

export interface ErasedTiles {
  /** Groups whose tiles are to be computed anew. */
  readonly groups: number;
  readonly files: number;
  readonly bytesRemoved: number;
}

const PREFIX = subjectOfGroup({ id: '' });

/**
 * Gives up the tiles of every group that has seen events of the person, and with them the records of
 * what such tiles were before: their next backfill computes all days anew. Whoever computes some now
 * began from another generation, and publishes nothing.
 */
export function eraseTiles(
  dataDir: string,
  groups: readonly TileGroupPlan[],
  sources: ReadonlySet<string>,
): ErasedTiles {
  if (!existsSync(join(dataDir, CATALOG_FILE))) return { groups: 0, files: 0, bytesRemoved: 0 };
  const untouched = new Set(
    groups.filter(({ source }) => !sources.has(source)).map((group) => subjectOfGroup(group)),
  );
  const touched = groups.filter(({ source }) => sources.has(source)).map(subjectOfGroup);
  const catalog = OfflineCatalog.open(dataDir, systemClock);
  try {
    const { partitions } = catalog;
    // Of a group that no plan knows any more nobody can say what it has seen.
    const known = partitions.subjects(PREFIX).map(({ subject }) => subject);
    const gone = new Set([...touched, ...known].filter((subject) => !untouched.has(subject)));
    for (const subject of gone) {
      // A group that has none yet too: somebody may be about to publish its first ones.
      const expectedGeneration = partitions.subject(subject)?.generation ?? 0;
      partitions.publish({ subject, expectedGeneration, throughCommit: 0, partitions: new Map() });
      partitions.retireSubject(subject);
    }
    const removed = removeRetired(catalog, dataDir, gone);
    const files = new OfflineFiles(dataDir);
    const strangers = [
      ...files.orphans(catalog.namedPaths(), Number.POSITIVE_INFINITY),
      ...auditFiles(catalog, gone),
    ];
    for (const path of strangers) removed.push([path, bytesOf(dataDir, path)]);
    for (const path of strangers) removeFile(dataDir, path);
    const bytesRemoved = removed.reduce((sum, [, bytes]) => sum + bytes, 0);
    return { groups: gone.size, files: removed.length, bytesRemoved };
  } finally {
    catalog.close();
  }
}

function removeRetired(
  { partitions }: OfflineCatalog,
  dataDir: string,
  subjects: ReadonlySet<string>,
): [string, number][] {
  const parts = partitions
    .retired(Number.MAX_SAFE_INTEGER)
    .filter(({ subject }) => subjects.has(subject));
  const removed: [string, number][] = [];
  for (const { path } of parts) {
    if (path === null) continue;
    removed.push([path, bytesOf(dataDir, path)]);
    removeFile(dataDir, path);
  }
  partitions.forget(parts);
  return removed;
}

/** Lists of tiles that changed after they were final hold keys; the record that they did stays. */
function auditFiles({ audits }: OfflineCatalog, subjects: ReadonlySet<string>): string[] {
  return audits
    .list(Number.MAX_SAFE_INTEGER)
    .flatMap(({ subject, path }) => (path !== null && subjects.has(subject) ? [path] : []));
}
