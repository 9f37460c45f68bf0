import type { EventLog } from '../../src/ingest/log.ts';
import type { Life } from '../../src/testing/simulated-time.ts';
import type { Machine } from './machine.ts';

/** Copies the log to the archive and cuts what is there, one round at a time, as the app does. */
export class Archiving {
  readonly #machine: Machine;
  readonly #life: Life;
  readonly #log: EventLog;
  #running: Promise<void> | null = null;
  #pauses = 0;

  constructor(machine: Machine, life: Life, log: EventLog) {
    this.#machine = machine;
    this.#life = life;
    this.#log = log;
  }

  round(beforeCut: () => void): Promise<void> {
    if (this.#pauses > 0) return Promise.resolve();
    this.#running ??= this.#archive(beforeCut).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async whilePaused<T>(work: () => Promise<T>): Promise<T> {
    await this.#running;
    this.#pauses += 1;
    try {
      return await work();
    } finally {
      this.#pauses -= 1;
    }
  }

  async #archive(beforeCut: () => void): Promise<void> {
    const { archive, time, random, logger, truth, defect } = this.#machine;
    const log = this.#log;
    if (log.lastCommit <= archive.through) return;
    try {
      const batches = [...log.read(archive.through, (name) => truth.schemaOf(name))];
      await time.wait(random.below(1_000), this.#life);
      archive.add(batches);
      if (defect.cutsEarly !== true) beforeCut();
      log.cutThrough(archive.through);
    } catch (error) {
      logger.error({ error: String(error) }, 'archiving failed; it is tried again');
    }
  }
}
