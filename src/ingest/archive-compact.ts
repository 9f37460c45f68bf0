import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import type { ArchiveCatalog } from './archive-catalog.ts';
import { ArchiveFiles } from './archive-files.ts';
import type { ArchiveFile, ArchiveManifest } from './archive-manifest.ts';
import { type MergePolicy, mergeGroups } from './archive-merge-plan.ts';
import { type ArchiveStep, archivePath, ParquetWriter } from './archive-parquet.ts';
import { DuckDbSession } from './duckdb-session.ts';
import { orderedRuns, selectFiles } from './history-files.ts';

export interface CompactOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Whatever can be merged at once; else what pays, within a bound. Default: true. */
  readonly all?: boolean;
  /** How long a replaced file stays for readers that have it open. */
  readonly retiredMs?: number;
  readonly memoryBytes?: number;
  readonly onStep?: (step: ArchiveStep) => void;
}

export interface CompactReport {
  readonly replaced: number;
  readonly written: number;
  /** Files replaced by an earlier compaction and gone now. */
  readonly removed: number;
}

/**
 * Merges small files of each source and arrival date. The catalog changes once, for all of them;
 * the files it no longer names stay for a while.
 * @throws AsofError `run_conflict` while somebody else writes the archive
 */
export async function compactArchive(options: CompactOptions): Promise<CompactReport> {
  const files = new ArchiveFiles(options.dataDir);
  const lock = files.lock();
  try {
    const catalog = files.openCatalog();
    try {
      files.removePending(catalog);
      const merged = await merge(files, catalog, options);
      return { ...merged, removed: removeRetired(files, catalog, options) };
    } finally {
      catalog.close();
    }
  } finally {
    lock.release();
  }
}

/** Of a date that ended so long ago no more files come, but for clocks that are set back. */
const DATE_IS_OVER_MS = 2 * 60 * 60 * 1000;

function policyOf({ clock, all = true }: CompactOptions): MergePolicy {
  const openFrom = new Date(clock.nowMs() - DATE_IS_OVER_MS).toISOString().slice(0, 10);
  const rowsMax = all ? Number.POSITIVE_INFINITY : LIMITS.archiveCompactRows;
  return { all, openFrom, rowsMax };
}

async function merge(
  files: ArchiveFiles,
  catalog: ArchiveCatalog,
  options: CompactOptions,
): Promise<Omit<CompactReport, 'removed'>> {
  const manifest = catalog.read();
  const policy = policyOf(options);
  const groups = Object.entries(manifest.sources).flatMap(([source, archived]) =>
    mergeGroups(archived, policy).map((group) => ({ source, group })),
  );
  if (groups.length === 0) return { replaced: 0, written: 0 };
  const session = await DuckDbSession.open({
    memoryBytes: options.memoryBytes ?? LIMITS.archiveMemoryBytes,
    spillFolder: files.real('archive/.spill'),
  });
  try {
    const writer = new ParquetWriter(files, session, options.onStep);
    catalog.intend(groups.map(({ source, group }) => mergedPath(source, group)));
    const added: Record<string, ArchiveFile[]> = {};
    for (const { source, group } of groups) {
      const merged = await mergeFiles(writer, manifest, source, group);
      added[source] = [...(added[source] ?? []), merged];
    }
    const paths = groups.flatMap(({ group }) => group.map((file) => file.path));
    catalog.change({ added, retired: { paths, atMs: options.clock.nowMs() } });
    const { archivedCommit } = manifest;
    options.onStep?.({ kind: 'manifest', archivedCommit });
    return { replaced: paths.length, written: groups.length };
  } finally {
    session.close();
  }
}

/** Lets go of what was replaced long ago. */
function removeRetired(
  files: ArchiveFiles,
  catalog: ArchiveCatalog,
  { clock, retiredMs = LIMITS.archiveRetiredMs, onStep }: CompactOptions,
): number {
  const throughMs = clock.nowMs() - retiredMs;
  const expired = catalog.retired().filter((file) => file.retiredAtMs <= throughMs);
  if (expired.length === 0) return 0;
  catalog.change({ forgotten: expired.map(({ path }) => path) });
  for (const path of files.removePending(catalog)) onStep?.({ kind: 'removed', path });
  return expired.length;
}

function newestOf(group: readonly ArchiveFile[]): ArchiveFile['last'] {
  return group.reduce<ArchiveFile['last']>(
    (newest, { last }) => (last.commit > newest.commit ? last : newest),
    { commit: -1, offset: -1 },
  );
}

function mergedPath(source: string, group: readonly ArchiveFile[]): string {
  const { arrivalDate, first } = present(group[0], 'a group has files');
  return archivePath(source, arrivalDate, first.commit, newestOf(group).commit);
}

async function mergeFiles(
  writer: ParquetWriter,
  manifest: ArchiveManifest,
  source: string,
  group: readonly ArchiveFile[],
): Promise<ArchiveFile> {
  const first = present(group[0], 'a group has files');
  const last = newestOf(group);
  const columns = present(manifest.schemas[first.schema], first.schema);
  const relation = { columns, weighted: first.weighted === true };
  const path = mergedPath(source, group);
  const rows = selectFiles(source, manifest, group, relation, (name) => writer.files.real(name));
  const isOrdered = orderedRuns(group).length === group.length;
  const bytes = await writer.write(path, isOrdered ? rows : `${rows} ORDER BY __commit, __offset`);
  const { thinned: _, ...common } = first;
  return {
    ...common,
    ...(group.some((file) => file.thinned === true) ? { thinned: true } : {}),
    path,
    last,
    bytes,
    rows: group.reduce((sum, file) => sum + file.rows, 0),
    minEventTimeMs: Math.min(...group.map((file) => file.minEventTimeMs)),
    maxEventTimeMs: Math.max(...group.map((file) => file.maxEventTimeMs)),
    minArrivalTimeMs: Math.min(...group.map((file) => file.minArrivalTimeMs)),
    maxArrivalTimeMs: Math.max(...group.map((file) => file.maxArrivalTimeMs)),
  };
}
