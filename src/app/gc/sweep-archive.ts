import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { ArchiveCatalog } from '../../ingest/archive-catalog.ts';
import { ArchiveFiles } from '../../ingest/archive-files.ts';
import { bytesOf, type Removal, removeFile, type Sweep, type SweepOptions } from './removal.ts';

/** Replaced archive files past their time, and files that no catalog names. */
export function sweepArchive(options: SweepOptions): Sweep {
  const files = new ArchiveFiles(options.dataDir);
  if (options.dryRun)
    return { removals: files.withCatalog(found(files, options)) ?? [], leftOut: null };
  try {
    const lock = files.lock();
    try {
      const catalog = files.openCatalog();
      try {
        return { removals: take(files, catalog, options), leftOut: null };
      } finally {
        catalog.close();
      }
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof AsofError) || error.code !== 'run_conflict') throw error;
    return { removals: [], leftOut: 'the archive is being written just now' };
  }
}

function found(
  files: ArchiveFiles,
  { dataDir, nowMs }: SweepOptions,
): (catalog: ArchiveCatalog) => Removal[] {
  const removal = (path: string, why: string): Removal => {
    return { what: 'archive', path, why, bytes: bytesOf(dataDir, path) };
  };
  return (catalog) => {
    const throughMs = nowMs - LIMITS.archiveRetiredMs;
    const retired = catalog.retired().filter((file) => file.retiredAtMs <= throughMs);
    return [
      ...retired.map(({ path }) => removal(path, 'another file has taken its place')),
      ...files
        .orphans(catalog, nowMs - LIMITS.offlineOrphanMs)
        .map((path) => removal(path, 'nothing names it: a crash left it')),
    ];
  };
}

function take(files: ArchiveFiles, catalog: ArchiveCatalog, options: SweepOptions): Removal[] {
  const removals = found(files, options)(catalog);
  const retired = new Set(catalog.retired().map(({ path }) => path));
  const paths = removals.map(({ path }) => path);
  catalog.change({ forgotten: paths.filter((path) => retired.has(path)) });
  files.removePending(catalog);
  for (const path of paths) removeFile(options.dataDir, path);
  return removals;
}
