import { systemClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { type Random, seededRandom } from '../../base/random.ts';
import type { ServedAnswer, ServedSink } from '../../store/serve-log.ts';
import type { FromWorker } from './worker-messages.ts';

/** Samples of a worker's answers, handed to the primary in one message a turn. */
export class HandedSamples implements ServedSink {
  readonly #rate: number;
  readonly #tell: (message: FromWorker) => void;
  readonly #random: Random = seededRandom((systemClock.nowMs() ^ process.pid) >>> 0);
  #waiting: ServedAnswer[] = [];

  constructor(rate: number, tell: (message: FromWorker) => void) {
    this.#rate = rate;
    this.#tell = tell;
  }

  isSampled(): boolean {
    return this.#rate >= 1 || (this.#rate > 0 && this.#random.next() < this.#rate);
  }

  offer(answer: ServedAnswer): void {
    if (this.#waiting.length >= LIMITS.serveLogQueue) return;
    this.#waiting.push(answer);
    if (this.#waiting.length > 1) return;
    setImmediate(() => {
      const answers = this.#waiting;
      this.#waiting = [];
      this.#tell({ kind: 'served', answers });
    });
  }
}
