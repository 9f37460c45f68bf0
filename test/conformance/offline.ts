import { Archive } from '../../src/ingest/archive.ts';
import { segmentSource } from '../../src/ingest/archive-source.ts';
import { History } from '../../src/ingest/history.ts';
import { segmentLog } from '../../src/ingest/history-log.ts';
import type { MemoryDisk } from '../../src/testing/memory-disk.ts';
import type { Platform } from './platform.ts';

/** Archives what the log holds up to a commit, as the platform does behind itself. */
export async function archiveThrough(
  disk: MemoryDisk,
  dataDir: string,
  commit: number,
  stageRows: number,
): Promise<void> {
  const archive = await Archive.open({
    dataDir,
    source: segmentSource(disk),
    threads: 1,
    stageRows,
  });
  try {
    await archive.archiveThrough(commit);
  } finally {
    archive.close();
  }
}

/** Archive and log tail as readers see them, up to a commit. */
export function openHistory(
  platform: Platform,
  dataDir: string,
  throughCommit?: number,
): Promise<History> {
  const schemas = new Map(platform.plan.sources.map((source) => [source.name, source]));
  return History.open({
    dataDir,
    log: segmentLog(platform.disk),
    schemaOf: (source) => schemas.get(source),
    ...(throughCommit === undefined ? {} : { throughCommit }),
  });
}
