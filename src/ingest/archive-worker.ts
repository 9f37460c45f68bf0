import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { Archive, type ArchiveReport } from './archive.ts';
import { compactArchive } from './archive-compact.ts';
import { segmentSource } from './archive-source.ts';

/** What the thread is asked to do. */
export interface ArchiveTask {
  readonly dataDir: string;
  readonly throughCommit: number;
  readonly memoryBytes: number;
  readonly threads: number;
  /** Merge the small files of each day afterwards. */
  readonly compact: boolean;
}

/** What the thread says: how far it is, and at last how it ended. */
export type ArchiveMessage =
  | { readonly kind: 'archived'; readonly commit: number }
  | { readonly kind: 'report'; readonly report: ArchiveReport }
  | { readonly kind: 'failure'; readonly failure: ArchiveFailure };

/** An error's fields: an error object does not keep its class from thread to thread. */
export type ArchiveFailure = Pick<AsofError, 'code' | 'message' | 'path' | 'remedy'>;

function say(message: ArchiveMessage): void {
  parentPort?.postMessage(message);
}

async function work(task: ArchiveTask): Promise<void> {
  const { dataDir, throughCommit, memoryBytes, threads } = task;
  const archive = await Archive.open({
    dataDir,
    source: segmentSource(new NodeDisk(dataDir)),
    memoryBytes,
    threads,
    onStep: (step) => {
      if (step.kind === 'manifest') say({ kind: 'archived', commit: step.archivedCommit });
    },
  });
  let report: ArchiveReport;
  try {
    report = await archive.archiveThrough(throughCommit);
  } finally {
    archive.close();
  }
  if (task.compact) await compactArchive({ dataDir, clock: systemClock, memoryBytes, all: false });
  say({ kind: 'report', report });
}

try {
  await work(workerData as ArchiveTask);
} catch (error) {
  const known =
    error instanceof AsofError
      ? error
      : new AsofError('internal', `Archiving failed: ${String(error)}`, { cause: error });
  const { code, message, path, remedy } = known;
  say({ kind: 'failure', failure: { code, message, path, remedy } });
}
