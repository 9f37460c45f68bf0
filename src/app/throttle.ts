import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Pause } from '../base/pause.ts';
import type { EventLog } from '../ingest/log.ts';
import type { PressureStatus } from '../monitor/status.ts';
import { PressureValve, readPressure, type Stage } from '../stream/pressure.ts';
import type { StreamEngine } from '../stream/stream-engine.ts';
import type { Config } from './config.ts';

/**
 * Holds pushes back while what lies behind the log does not keep up: first each waits a little, the
 * longer the fuller the buffers are, then they are sent away to come again. A reader is never held
 * back: it gets what has been applied, and its envelope says how old that is.
 */
export class Throttle {
  readonly #valve = new PressureValve();
  readonly #slows: boolean;
  readonly #log: EventLog;
  readonly #pause: Pause;

  constructor(config: Pick<Config, 'onStoreFailure'>, log: EventLog, pause: Pause) {
    this.#slows = config.onStoreFailure === 'slow';
    this.#log = log;
    this.#pause = pause;
  }

  /**
   * Waits until a push to the source may go on.
   * @throws AsofError `state_full`, `overloaded`
   */
  async admit(engine: StreamEngine | null, source: string): Promise<void> {
    const refusal = engine?.refusal(source) ?? null;
    if (refusal !== null) throw refusal;
    if (!this.#slows) return;
    let admission = this.#valve.admit(readPressure(engine?.saving.stages ?? []));
    if (admission.kind === 'wait' && admission.delayMs > 0) {
      await this.#pause(admission.delayMs);
      // Others waited as well: together they may be too many.
      admission = this.#valve.admit(readPressure(engine?.saving.stages ?? []));
    }
    if (admission.kind !== 'refuse') return;
    throw new AsofError(
      'overloaded',
      `The state on disk does not keep up (${admission.stage} is full), so no push is taken now.`,
      { remedy: 'Push again later; `asof status` shows what fails, often the disk.' },
    );
  }

  status(engine: StreamEngine | null): PressureStatus {
    const pendingBytes = { used: this.#log.pendingBytes, bound: LIMITS.pendingBytes };
    const stages: Stage[] = [
      { name: 'log_bytes', ...pendingBytes },
      ...(engine?.saving.stages ?? []),
    ];
    return {
      ...readPressure(stages),
      stages,
      breaker: engine?.saving.breaker ?? 'closed',
      pushesSlowed: this.#valve.waited,
      pushesRefused: this.#valve.refused,
    };
  }
}
