import { systemClock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { DeadLetters } from '../ingest/dead-letters.ts';
import type { Config } from './config.ts';
import { firstDayKept, letterSources, sweepServeLog } from './gc/sweep-logs.ts';

const EVERY_MS = 3_600_000;

/** What a running server takes away by itself: its own logs beyond their retention. */
export class Housekeeper {
  readonly #config: Config;
  readonly #letters: DeadLetters;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | null = null;

  constructor(config: Config, letters: DeadLetters, logger: Logger) {
    this.#config = config;
    this.#letters = letters;
    this.#logger = logger;
  }

  start(): void {
    this.round();
    this.#timer = setInterval(() => this.round(), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  round(): void {
    const { dataDir, retention } = this.#config;
    const nowMs = systemClock.nowMs();
    try {
      sweepServeLog({ dataDir, nowMs, dryRun: false }, retention.serveLogMs);
      if (retention.deadLettersMs === null) return;
      const day = firstDayKept(nowMs, retention.deadLettersMs);
      for (const source of letterSources(dataDir)) this.#letters.removeBefore(source, day);
    } catch (error) {
      this.#logger.warn({ error: String(error) }, 'housekeeping failed; it is tried again');
    }
  }
}
