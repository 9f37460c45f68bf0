import { stopwatchMs } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { pause } from '../../base/pause.ts';
import { mergedMetrics } from './merged-metrics.ts';
import type { ToWorker } from './worker-messages.ts';
import { type OnServed, WorkerHandle } from './worker-process.ts';

/** The workers of one server: each that dies is started again, less and less often. */
export class WorkerCrew {
  readonly #start: (number: number) => ToWorker & { readonly kind: 'start' };
  readonly #onServed: OnServed;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #workers = new Map<number, WorkerHandle>();
  #keeping: Promise<void>[] = [];
  /** Started again after they had died. */
  restarts = 0;

  constructor(
    start: (number: number) => ToWorker & { readonly kind: 'start' },
    onServed: OnServed,
    logger: Logger,
  ) {
    this.#onServed = onServed;
    this.#start = start;
    this.#logger = logger;
  }

  /** @throws AsofError `worker_failed` where one of them does not come to listen */
  async start(count: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const started = await Promise.allSettled(
      numbers.map(async (number) => {
        this.#workers.set(number, await WorkerHandle.start(this.#start(number), this.#onServed));
      }),
    );
    const failed = started.find((one) => one.status === 'rejected');
    if (failed !== undefined) {
      await this.stop();
      throw failed.reason;
    }
    this.#keeping = numbers.map((number) => this.#keep(number));
  }

  get pids(): number[] {
    return [...this.#workers.values()].map(({ pid }) => pid);
  }

  /** The metrics of the primary with those of each worker, told apart by a label. */
  async metrics(primary: string): Promise<string> {
    const texts = await Promise.all(
      [...this.#workers].map(async ([number, worker]) => {
        return [`worker-${number}`, await worker.metrics()] as const;
      }),
    );
    return mergedMetrics(primary, texts);
  }

  /** Ends all of them: what they were asked is answered. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#workers.values()].map((worker) => worker.end()));
    await Promise.all(this.#keeping);
  }

  async #keep(number: number): Promise<void> {
    const { signal } = this.#stopping;
    let waitMs: number = LIMITS.workerRestartMs;
    let sinceMs = stopwatchMs();
    while (!signal.aborted) {
      const worker = this.#workers.get(number);
      if (worker !== undefined) {
        await worker.gone;
        this.#workers.delete(number);
        if (signal.aborted) return;
        this.#logger.warn({ worker: number, pid: worker.pid }, 'a worker died; another one starts');
        if (stopwatchMs() - sinceMs > LIMITS.workerSoundMs) waitMs = LIMITS.workerRestartMs;
      }
      await pause(waitMs, signal).catch(() => {});
      if (signal.aborted) return;
      waitMs = Math.min(LIMITS.workerRestartMaxMs, waitMs * 2);
      sinceMs = stopwatchMs();
      try {
        const started = await WorkerHandle.start(this.#start(number), this.#onServed);
        this.restarts += 1;
        this.#workers.set(number, started);
        if (signal.aborted) await started.end();
      } catch (error) {
        this.#logger.error({ worker: number, error: String(error) }, 'a worker does not start');
      }
    }
  }
}
