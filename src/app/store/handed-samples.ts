import { systemClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { type Random, seededRandom } from '../../base/random.ts';
import type { ServedAnswer, ServedSink } from '../../store/serve-log.ts';
import type { FromWorker } from './worker-messages.ts';

/** `done` once the message is on its way, or lost. */
export type Tell = (message: FromWorker, done: () => void) => void;

/** Samples of a worker's answers, handed to the primary in one message after the other. */
export class HandedSamples implements ServedSink {
  readonly #rate: number;
  readonly #tell: Tell;
  readonly #random: Random = seededRandom((systemClock.nowMs() ^ process.pid) >>> 0);
  #waiting: ServedAnswer[] = [];
  #isTelling = false;

  constructor(rate: number, tell: Tell) {
    this.#rate = rate;
    this.#tell = tell;
  }

  isSampled(): boolean {
    return this.#rate >= 1 || (this.#rate > 0 && this.#random.next() < this.#rate);
  }

  offer(answer: ServedAnswer): void {
    if (this.#waiting.length >= LIMITS.serveLogQueue) return;
    this.#waiting.push(answer);
    if (this.#isTelling) return;
    this.#isTelling = true;
    setImmediate(() => this.#handOver());
  }

  /** One message at a time: a primary that is slow to read must not fill the memory here. */
  #handOver(): void {
    const answers = this.#waiting;
    this.#waiting = [];
    this.#isTelling = answers.length > 0;
    if (answers.length > 0) this.#tell({ kind: 'served', answers }, () => this.#handOver());
  }
}
