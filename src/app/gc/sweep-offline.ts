import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { subjectOfGroup } from '../../batch/backfill/world.ts';
import { CATALOG_FILE, OfflineCatalog } from '../../store/offline-catalog.ts';
import { OfflineFiles } from '../../store/offline-files.ts';
import { bytesOf, type Removal, removeFile, type Sweep, type SweepOptions } from './removal.ts';

/** Partitions that newer ones have replaced, files that nothing names, records of old runs. */
export function sweepOffline(options: SweepOptions, groupsInUse: ReadonlySet<string>): Sweep {
  if (!existsSync(join(options.dataDir, CATALOG_FILE))) return { removals: [], leftOut: null };
  const catalog = OfflineCatalog.open(options.dataDir, systemClock);
  try {
    const removals = [
      ...unusedTiles(catalog, options, groupsInUse),
      ...retiredParts(catalog, options),
      ...orphans(catalog, options),
      ...oldRuns(catalog, options),
    ];
    return { removals, leftOut: null };
  } finally {
    catalog.close();
  }
}

/**
 * Tiles of groups that nothing in use has any more. A backfill may come before its apply, so what is
 * young stays, and so does what is being worked on.
 */
function unusedTiles(
  { partitions, leases }: OfflineCatalog,
  { nowMs, dryRun }: SweepOptions,
  groupsInUse: ReadonlySet<string>,
): Removal[] {
  const inUse = new Set([...groupsInUse].map((id) => subjectOfGroup({ id })));
  const unused = partitions
    .subjects(subjectOfGroup({ id: '' }))
    .filter(
      ({ subject, throughCommit, updatedMs }) =>
        throughCommit > 0 &&
        !inUse.has(subject) &&
        updatedMs < nowMs - LIMITS.offlineOrphanMs &&
        (leases.held(subject)?.untilMs ?? 0) < nowMs,
    );
  if (!dryRun) for (const { subject } of unused) partitions.retireSubject(subject);
  const why = 'no view in use has this tile group; its files stay a while for readers';
  return unused.map(({ subject }) => ({ what: 'offline', path: subject, why, bytes: 0 }));
}

/** The file first: a part whose file is gone is forgotten next time. */
function retiredParts(
  catalog: OfflineCatalog,
  { dataDir, nowMs, dryRun }: SweepOptions,
): Removal[] {
  const parts = catalog.partitions.retired(nowMs - LIMITS.offlineRetiredMs);
  const removals = parts.map(({ path, subject, partition, bytes }): Removal => {
    const name = path ?? `${subject} ${partition}`;
    return { what: 'offline', path: name, why: 'a newer partition has taken its place', bytes };
  });
  if (dryRun) return removals;
  for (const { path } of parts) if (path !== null) removeFile(dataDir, path);
  catalog.partitions.forget(parts);
  return removals;
}

function orphans(catalog: OfflineCatalog, { dataDir, nowMs, dryRun }: SweepOptions): Removal[] {
  const files = new OfflineFiles(dataDir);
  // The names first: what is written after this is too young to be an orphan.
  const found = files.orphans(catalog.namedPaths(), nowMs - LIMITS.offlineOrphanMs);
  const removals = found.map((path): Removal => {
    const why = 'nothing names it: a run that was given up left it';
    return { what: 'offline', path, why, bytes: bytesOf(dataDir, path) };
  });
  if (!dryRun) for (const path of found) removeFile(dataDir, path);
  return removals;
}

/** Records of runs that no audit names. */
function oldRuns(catalog: OfflineCatalog, { nowMs, dryRun }: SweepOptions): Removal[] {
  const beforeMs = nowMs - LIMITS.offlineRunsMs;
  const isOld = ({ status, finishedMs }: { status: string; finishedMs: number | null }): boolean =>
    (status === 'done' || status === 'failed') && finishedMs !== null && finishedMs < beforeMs;
  const all = catalog.runs.list({ limit: Number.MAX_SAFE_INTEGER });
  const old = all.filter((run) => isOld(run) && catalog.audits.ofRun(run.number).length === 0);
  if (!dryRun) catalog.runs.forget(beforeMs);
  return old.map(({ id }) => ({
    what: 'run',
    path: id,
    why: 'the record of a run that was over long ago',
    bytes: 0,
  }));
}
