import { LIMITS } from '../base/limits.ts';
import type { Metrics } from '../monitor/metrics.ts';
import { StageClock } from '../serve/stage-clock.ts';

/** Looks at one request of many, and tells the metrics where its time went. */
export class StageSamples {
  readonly #metrics: Pick<Metrics, 'stage'>;
  #untilNext = 0;

  constructor(metrics: Pick<Metrics, 'stage'>) {
    this.#metrics = metrics;
  }

  /** @param startMs when the request came; null for most requests */
  next(startMs: number): StageClock | null {
    if (this.#untilNext > 0) {
      this.#untilNext -= 1;
      return null;
    }
    this.#untilNext = LIMITS.requestsPerStageSample - 1;
    return new StageClock(startMs);
  }

  told({ ms }: StageClock): void {
    for (const [stage, passedMs] of ms) this.#metrics.stage(stage).observe(passedMs / 1000);
  }
}
