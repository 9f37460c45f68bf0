import { join } from 'node:path';
import { AsofError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import { archiveInThread } from '../ingest/archive-thread.ts';
import type { EventLog } from '../ingest/log.ts';
import type { Config } from './config.ts';

/** Rounds between two compactions: an hour's worth of small files is merged at once. */
const COMPACT_EVERY_SECONDS = 3_600;

/**
 * Archives the log at intervals, in a thread, and cuts what is archived. A failure costs nothing:
 * the log keeps its segments, and the next round tries again.
 */
export class Archiver {
  /** Makes durable what the log's old segments are still needed for. */
  beforeCut: () => void = () => {};
  readonly #config: Config;
  readonly #log: EventLog;
  readonly #logger: Logger;
  #archivedCommit: number;
  #rounds = 0;
  #paused = 0;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(config: Config, log: EventLog, logger: Logger) {
    this.#config = config;
    this.#log = log;
    this.#logger = logger;
    this.#archivedCommit = new ArchiveFiles(config.dataDir).archivedCommit();
  }

  get archivedCommit(): number {
    return this.#archivedCommit;
  }

  start(): void {
    const everyMs = this.#config.archiveEverySeconds * 1000;
    this.#timer = setInterval(() => void this.round(), everyMs);
    this.#timer.unref();
  }

  /** Archives all that is durable now; one round at a time. */
  round(): Promise<void> {
    this.#running ??= this.#archive().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Waits for a running round and begins no other until `work` is done. */
  async whilePaused<T>(work: () => Promise<T>): Promise<T> {
    await this.#running;
    this.#paused += 1;
    try {
      return await work();
    } finally {
      this.#paused -= 1;
    }
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  async #archive(): Promise<void> {
    if (this.#paused > 0) return;
    const throughCommit = this.#log.lastCommit;
    if (throughCommit <= this.#archivedCommit) return;
    this.#rounds += 1;
    const roundsPerCompaction = Math.ceil(COMPACT_EVERY_SECONDS / this.#config.archiveEverySeconds);
    try {
      await archiveInThread({
        dataDir: this.#config.dataDir,
        throughCommit,
        compact: this.#rounds % roundsPerCompaction === 0,
        onArchived: (commit) => {
          this.#archivedCommit = commit;
        },
      });
      this.beforeCut();
      this.#log.cutThrough(this.#archivedCommit);
    } catch (error) {
      const folder = join(this.#config.dataDir, 'archive');
      if (error instanceof AsofError && error.code === 'run_conflict') {
        this.#logger.info({ folder }, 'somebody else writes the archive; it is tried again');
        return;
      }
      this.#logger.error({ folder, error: String(error) }, 'archiving failed; it is tried again');
    }
  }
}

/**
 * Archive and log together hold every commit, or something was taken away.
 * @throws AsofError `corrupt_log`, `corrupt_archive`
 */
export function requireEveryCommit(log: EventLog, archivedCommit: number, dataDir: string): void {
  if (archivedCommit > log.lastCommit) {
    throw new AsofError(
      'corrupt_log',
      `The archive ends at commit ${archivedCommit}, but the log at commit ${log.lastCommit}.`,
      { path: join(dataDir, 'log'), remedy: 'Restore the log folder from a copy.' },
    );
  }
  if (log.firstCommit > archivedCommit + 1) {
    throw new AsofError(
      'corrupt_archive',
      `Commits ${archivedCommit + 1} to ${log.firstCommit - 1} are neither archived nor in the log.`,
      { path: join(dataDir, 'archive') },
    );
  }
}
