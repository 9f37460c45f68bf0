import type { Logger } from '../base/logger.ts';
import type { Pause } from '../base/pause.ts';

const FIRST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 60_000;

/**
 * Builds the state anew from archive and log where it broke or was found damaged, and tries again,
 * after ever longer waits, for as long as that fails: a disk may be well again later.
 */
export class Mender {
  readonly #rebuild: () => Promise<void>;
  readonly #logger: Logger;
  readonly #pause: Pause;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(rebuild: () => Promise<void>, logger: Logger, pause: Pause) {
    this.#rebuild = rebuild;
    this.#logger = logger;
    this.#pause = pause;
  }

  /** One at a time: while one is under way, it serves this reason as well. */
  begin(reason: string): void {
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.#logger.error({ reason }, 'the state is built anew from archive and log');
    this.#running = this.#mend().finally(() => {
      this.#running = null;
    });
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #mend(): Promise<void> {
    const { signal } = this.#stopping;
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(MOST_WAIT_MS, waitMs * 2)) {
      try {
        await this.#rebuild();
        this.#logger.warn({}, 'the state is whole again');
        return;
      } catch (error) {
        const fields = { error: String(error), waitMs };
        this.#logger.error(fields, 'the state could not be built anew; it is tried again');
      }
      await this.#pause(waitMs, signal).catch(() => {});
    }
  }
}
