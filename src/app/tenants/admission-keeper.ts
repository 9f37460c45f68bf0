import { unwatchFile, watchFile } from 'node:fs';
import { resolve } from 'node:path';
import { stopwatchMs } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { Admission } from '../../serve/admission/admission.ts';
import { CONFIG_FILE, type Config, loadConfig } from '../config.ts';
import { partOf, type ServingConfig } from './serving-config.ts';

const LOOK_EVERY_MS = 2_000;
const TICK_MS = 25;
/** Of a delay that is over, this part is left after each further tick. */
const FADES = 0.5;

/**
 * The admission of one process, with its time and its turns. What `asof.json` says of quotas is
 * taken over a few seconds after it was written, without a restart.
 */
export class AdmissionKeeper {
  readonly admission: Admission;
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  readonly #look: () => void;

  /** @param processes how many answer together: each lets in its part */
  constructor(config: Config, logger: Logger, processes = 1) {
    this.#path = resolve(config.root, CONFIG_FILE);
    const part = (serving: ServingConfig) => partOf(serving, processes).quotas;
    this.admission = new Admission(part(config.serving), {
      nowMs: stopwatchMs,
      soon: (task) => void setImmediate(task),
      later: (task, delayMs) => void setTimeout(task, delayMs),
    });
    this.#look = () => {
      try {
        this.admission.use(part(loadConfig(config.root).serving));
        logger.info({}, 'the quotas of asof.json are in use');
      } catch (error) {
        logger.warn({ error: String(error) }, 'asof.json is wrong; the quotas before it go on');
      }
    };
    watchFile(this.#path, { interval: LOOK_EVERY_MS, persistent: false }, this.#look);
    this.#timer = this.#measureDelay();
  }

  stop(): void {
    clearInterval(this.#timer);
    unwatchFile(this.#path, this.#look);
  }

  /** A tick that comes late was held up by so much. */
  #measureDelay(): NodeJS.Timeout {
    let dueMs = stopwatchMs() + TICK_MS;
    let delayMs = 0;
    const timer = setInterval(() => {
      const nowMs = stopwatchMs();
      delayMs = Math.max(nowMs - dueMs, delayMs * FADES);
      this.admission.noteDelay(delayMs);
      dueMs = nowMs + TICK_MS;
    }, TICK_MS);
    timer.unref();
    return timer;
  }
}
