import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { EventBatch } from '../schema/batch.ts';
import { readClocks, writeClocks } from './clock-snapshot.ts';
import type { SourceClocks } from './source-clocks.ts';

/**
 * Keeps what is measured of the sources' clocks over restarts. Accepted events are counted exactly
 * once: those of the file, then those of the log after its commit. Of what was refused for its time
 * a killed process may lose the last minute.
 */
export class ClockBook {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #clocksOf: () => Iterable<readonly [string, SourceClocks]>;
  #commit = 0;
  #dirty = false;
  #dueMs: number;

  constructor(
    disk: Disk,
    clock: Clock,
    logger: Logger,
    clocksOf: () => Iterable<readonly [string, SourceClocks]>,
  ) {
    this.#disk = disk;
    this.#clock = clock;
    this.#logger = logger;
    this.#clocksOf = clocksOf;
    this.#dueMs = clock.nowMs() + LIMITS.clocksWrittenEveryMs;
  }

  read(): void {
    const { commit, sources } = readClocks(this.#disk);
    this.#commit = commit;
    for (const [source, clocks] of this.#clocksOf()) {
      const bytes = sources.get(source);
      if (bytes !== undefined) clocks.adopt(bytes);
    }
  }

  /** A batch of the log, read again at the start. */
  restore(batch: EventBatch, clocks: SourceClocks | undefined): void {
    if (batch.commit > this.#commit && batch.imported !== true) clocks?.accept(batch);
  }

  /** A batch was counted. A file that cannot be written now is written later; events go on. */
  counted(commit: number): void {
    this.#dirty = true;
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + LIMITS.clocksWrittenEveryMs;
    try {
      this.write(commit);
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'what was measured of clocks is not written');
    }
  }

  /** @throws AsofError `disk_full`, `disk_failed` */
  write(commit: number): void {
    if (!this.#dirty && [...this.#clocksOf()].every(([, { refusals }]) => refusals === 0)) return;
    const blocks = [...this.#clocksOf()].map(
      ([source, clocks]) => [source, clocks.encode()] as const,
    );
    writeClocks(this.#disk, commit, blocks);
    this.#dirty = false;
  }
}
