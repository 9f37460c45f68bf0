import { Worker } from 'node:worker_threads';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { workerUrl } from '../base/worker-url.ts';
import type { ArchiveReport } from './archive.ts';
import type { ArchiveMessage, ArchiveTask } from './archive-worker.ts';

export interface ArchiveThreadOptions {
  readonly dataDir: string;
  /** Durable already: the thread reads the log's files by itself. */
  readonly throughCommit: number;
  /** Called after each stage; everything up to this commit may be cut from the log. */
  readonly onArchived?: (commit: number) => void;
  readonly memoryBytes?: number;
  readonly threads?: number;
  /** Merge the small files of each day afterwards. */
  readonly compact?: boolean;
}

/**
 * Archives in a thread of its own, so that serving goes on. One at a time: the caller owns the
 * data directory.
 *
 * @example
 * const throughCommit = log.lastCommit;
 * await archiveInThread({ dataDir, throughCommit, onArchived: (commit) => log.cutThrough(commit) });
 */
export async function archiveInThread(options: ArchiveThreadOptions): Promise<ArchiveReport> {
  const task: ArchiveTask = {
    dataDir: options.dataDir,
    throughCommit: options.throughCommit,
    memoryBytes: options.memoryBytes ?? LIMITS.archiveMemoryBytes,
    threads: options.threads ?? 1,
    compact: options.compact ?? false,
  };
  const worker = new Worker(workerUrl('./archive-worker', import.meta.url), { workerData: task });
  return await new Promise<ArchiveReport>((resolve, reject) => {
    let report: ArchiveReport | null = null;
    let failure: AsofError | null = null;
    worker.on('message', (message: ArchiveMessage) => {
      if (message.kind === 'archived') options.onArchived?.(message.commit);
      else if (message.kind === 'report') report = message.report;
      else failure = restored(message.failure);
    });
    worker.on('error', (cause) => {
      failure = new AsofError('internal', `The archive thread died: ${cause}`, { cause });
    });
    worker.on('exit', (exitCode) => {
      if (report !== null) resolve(report);
      else
        reject(failure ?? new AsofError('internal', `The archive thread ended with ${exitCode}.`));
    });
  });
}

function restored({ code, message, path, remedy }: ArchiveMessageFailure): AsofError {
  return new AsofError(code, message, { remedy, ...(path === null ? {} : { path }) });
}

type ArchiveMessageFailure = Extract<ArchiveMessage, { kind: 'failure' }>['failure'];
