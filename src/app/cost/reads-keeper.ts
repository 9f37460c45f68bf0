import type { Clock } from '../../base/clock.ts';
import type { Disk } from '../../base/disk.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { parseDay, READS_FOLDER, type ReadTotals } from './read-totals.ts';

const SAVE_EVERY_MS = 30_000;
const DAY_MS = 86_400_000;

export interface ReadsWorld {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of processes over one data directory each has a name of its own, such as `w1`. */
  readonly process: string;
}

/**
 * Who read how much on each day, in a file for each day and process, so that it is known for longer
 * than a process runs. A crash loses the last half minute of it.
 */
export class ReadsKeeper {
  readonly #world: ReadsWorld;
  /** Since the start of the process; to be set by who answers. */
  totals: () => ReadTotals = () => new Map();
  #before: ReadTotals = new Map();
  #day = '';
  #rows = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(world: ReadsWorld) {
    this.#world = world;
    this.#timer = setInterval(() => this.save(), SAVE_EVERY_MS);
    this.#timer.unref();
  }

  /** Writes what has come since; what cannot be written is tried again, and fails nobody. */
  save(): void {
    const { disk, clock, logger } = this.#world;
    const day = dayOf(clock.nowMs());
    try {
      if (day !== this.#day) this.#begin(day);
      const now = this.totals();
      let isNew = !disk.exists(this.#path(day));
      for (const [reader, rows] of now) {
        const before = this.#before.get(reader) ?? 0;
        // What began to count anew, with other definitions, has come as a whole.
        const came = rows >= before ? rows - before : rows;
        if (came === 0) continue;
        const known = this.#rows.get(reader);
        if (known === undefined && this.#rows.size >= LIMITS.readersPerDay) continue;
        this.#rows.set(reader, (known ?? 0) + came);
        isNew = true;
      }
      this.#before = now;
      if (isNew) this.#write(day);
    } catch (error) {
      logger.warn({ error: String(error) }, 'what was read could not be written');
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.save();
  }

  /** Goes on with what a process of the same name wrote on this day. */
  #begin(day: string): void {
    const { disk } = this.#world;
    const path = this.#path(day);
    this.#rows = disk.exists(path) ? parseDay(disk.read(path)) : new Map();
    this.#day = day;
    const oldest = dayOf(Date.parse(day) - LIMITS.readDays * DAY_MS);
    for (const name of disk.list(READS_FOLDER)) {
      if (name < oldest) disk.remove(`${READS_FOLDER}/${name}`);
    }
  }

  #write(day: string): void {
    const { disk } = this.#world;
    disk.makeFolder(READS_FOLDER);
    const text = JSON.stringify(Object.fromEntries(this.#rows));
    disk.replace(this.#path(day), new TextEncoder().encode(text));
  }

  #path(day: string): string {
    return `${READS_FOLDER}/${day}.${this.#world.process}.json`;
  }
}

/** `2026-01-31`, UTC. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
