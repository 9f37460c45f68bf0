import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { ArchiveFiles } from './archive-files.ts';
import { type ArchiveFile, type ArchiveManifest, withFiles } from './archive-manifest.ts';
import { type ArchiveStep, archivePath, ParquetWriter } from './archive-parquet.ts';
import { DuckDbSession } from './duckdb-session.ts';
import { formOf, orderedRuns, selectFiles } from './history-files.ts';

export interface CompactOptions {
  readonly dataDir: string;
  readonly clock: Clock;
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
 * Merges the files of each source and arrival date into one. The manifest changes once, for all of
 * them; the files it no longer names stay for a while. Never while an archiving runs.
 */
export async function compactArchive(options: CompactOptions): Promise<CompactReport> {
  const files = new ArchiveFiles(options.dataDir);
  const session = await DuckDbSession.open({
    memoryBytes: options.memoryBytes ?? LIMITS.archiveMemoryBytes,
    spillFolder: files.real('archive/.spill'),
  });
  try {
    const manifest = files.readManifest();
    const writer = new ParquetWriter(files, session, options.onStep);
    const added: Record<string, ArchiveFile[]> = {};
    const replaced: ArchiveFile[] = [];
    for (const [source, archived] of Object.entries(manifest.sources)) {
      for (const group of mergeable(archived)) {
        const merged = await mergeFiles(writer, manifest, source, group);
        added[source] = [...(added[source] ?? []), merged];
        replaced.push(...group);
      }
    }
    const removed = replaceFiles(files, manifest, added, replaced, options);
    return { replaced: replaced.length, written: Object.values(added).flat().length, removed };
  } finally {
    session.close();
  }
}

/** Files of one date and schema, as many together as a file may have rows. */
function mergeable(archived: readonly ArchiveFile[]): ArchiveFile[][] {
  const groups: ArchiveFile[][] = [];
  const byDate = Map.groupBy(archived, (file) => `${file.arrivalDate} ${formOf(file)}`);
  for (const files of byDate.values()) {
    let rows = Number.POSITIVE_INFINITY;
    for (const file of files) {
      rows += file.rows;
      if (rows > LIMITS.archiveFileRows) {
        groups.push([file]);
        rows = file.rows;
      } else groups.at(-1)?.push(file);
    }
  }
  return groups.filter((group) => group.length > 1);
}

async function mergeFiles(
  writer: ParquetWriter,
  manifest: ArchiveManifest,
  source: string,
  group: readonly ArchiveFile[],
): Promise<ArchiveFile> {
  const first = present(group[0], 'a group has files');
  const last = group.reduce((newest, file) =>
    file.last.commit > newest.last.commit ? file : newest,
  ).last;
  const columns = present(manifest.schemas[first.schema], first.schema);
  const relation = { columns, weighted: first.weighted === true };
  const path = archivePath(source, first.arrivalDate, first.first.commit, last.commit);
  const rows = selectFiles(source, manifest, group, relation, (name) => writer.files.real(name));
  const isOrdered = orderedRuns(group).length === group.length;
  const bytes = await writer.write(path, isOrdered ? rows : `${rows} ORDER BY __commit, __offset`);
  return {
    ...first,
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

/** Names the merged files instead of the replaced ones, and lets go of those retired long ago. */
function replaceFiles(
  files: ArchiveFiles,
  manifest: ArchiveManifest,
  added: Readonly<Record<string, readonly ArchiveFile[]>>,
  replaced: readonly ArchiveFile[],
  { clock, retiredMs = LIMITS.archiveRetiredMs, onStep }: CompactOptions,
): number {
  const nowMs = clock.nowMs();
  const expired = manifest.retired.filter((file) => file.retiredAtMs + retiredMs <= nowMs);
  if (replaced.length === 0 && expired.length === 0) return 0;
  const { archivedCommit } = manifest;
  const retired = [
    ...manifest.retired.filter((file) => !expired.includes(file)),
    ...replaced.map(({ path }) => ({ path, retiredAtMs: nowMs })),
  ];
  const removed = new Set(replaced.map((file) => file.path));
  files.replaceManifest(
    withFiles(manifest, { archivedCommit, schemas: {}, added, removed, retired }),
  );
  onStep?.({ kind: 'manifest', archivedCommit });
  for (const { path } of expired) {
    files.remove(path);
    onStep?.({ kind: 'removed', path });
  }
  return expired.length;
}
