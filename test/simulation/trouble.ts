import { AsofError } from '../../src/base/errors.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import type { SimulatedFile } from '../../src/testing/simulated-file.ts';
import type { Life } from '../../src/testing/simulated-time.ts';
import type { Outside } from './clients.ts';
import type { Machine } from './machine.ts';
import type { Problems } from './problems.ts';
import type { Server } from './server.ts';

export type Ending = 'kill' | 'power' | 'close';

export interface TroubleOptions extends Outside {
  readonly world: Life;
  readonly machine: Machine;
  readonly problems: Problems;
  readonly sources: readonly string[];
  readonly end: (how: Ending) => void;
  readonly seen: (what: string, where?: string) => void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What comes from outside now and then: ends of processes, wrong clocks, bad sectors, operators. */
export class Trouble {
  readonly #options: TroubleOptions;
  /** A bit of the log that is wrong. */
  #flipped: { readonly file: SimulatedFile; readonly at: number } | null = null;
  /** In which life letters are being sent again: one call at a time, so that it is known which. */
  #readmitting: Life | null = null;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  get isLogDamaged(): boolean {
    return this.#flipped !== null;
  }

  begin(): void {
    this.#disturb();
    if (this.#options.random.below(2) === 0) this.#readmit();
  }

  #disturb(): void {
    const { random, time, weather, world } = this.#options;
    const everyMs = random.pick([10_000, HOUR_MS, DAY_MS]);
    time.after(1 + random.below(everyMs), world, () => {
      if (weather.isCalm) return;
      const what = random.below(8);
      if (what < 3) this.#options.end(random.pick(['kill', 'power', 'close']));
      else if (what === 3) this.#jump(random.pick([-HOUR_MS, HOUR_MS]));
      else if (what === 4) this.#corruptState();
      else if (what === 5) this.#corruptLog();
      this.#disturb();
    });
  }

  #jump(byMs: number): void {
    this.#options.machine.clock.jump(byMs);
    this.#options.seen(byMs < 0 ? 'a clock set back by an hour' : 'a clock set forward by an hour');
  }

  #corruptState(): void {
    const files = [...this.#options.machine.disk.files].filter(([path]) =>
      path.startsWith('state/'),
    );
    const [path, file] = files[this.#options.random.below(files.length)] ?? [];
    if (path === undefined || file === undefined || file.durableLength === 0) return;
    file.flip(this.#options.random.below(file.durableLength), this.#options.random.below(8));
    this.#options.seen('a bit of the state that flipped', path);
  }

  /** Not in the last segment, nor in one before a torn one: their ends may be torn themselves. */
  #corruptLog(): void {
    const { files } = this.#options.machine.disk;
    const paths = [...files.keys()].filter((path) => path.endsWith('.seg')).sort();
    const path = paths[this.#options.random.below(paths.length - 2)];
    const file = path === undefined ? undefined : files.get(path);
    const isLast = paths.length < 3 || this.#flipped !== null;
    if (isLast || file === undefined || file.durableLength === 0) return;
    this.#flipped = { file, at: this.#options.random.below(file.durableLength) };
    file.flip(this.#flipped.at, 3);
    this.#options.seen('a bit of the log that flipped', path);
    this.#options.end('kill');
  }

  /** The operator restores the segment from a copy. */
  restoreLog(): void {
    if (this.#flipped === null) return;
    const { file, at } = this.#flipped;
    if (at < file.durableLength) file.flip(at, 3);
    this.#flipped = null;
  }

  #readmit(): void {
    const { random, time, weather, world } = this.#options;
    time.after(1 + random.below(12 * HOUR_MS), world, () => {
      if (weather.isCalm) return;
      const server = this.#options.server();
      const source = random.pick(this.#options.sources);
      if (server?.isReady === true && this.#readmitting !== server.life) {
        void this.#readmitNow(server, source);
      }
      this.#readmit();
    });
  }

  async #readmitNow(server: Server, source: string): Promise<void> {
    const limit = 1 + this.#options.random.below(5);
    this.#readmitting = server.life;
    try {
      const open = [...server.letters.list(source, { open: true, limit })];
      this.#options.ledger.deliver(
        source,
        open.map(({ raw }) => (typeof raw === 'string' ? raw : '')),
      );
      await server.readmit(source, limit);
      this.#options.seen('letters sent again');
    } catch (error) {
      const isKnown = error instanceof AsofError || error instanceof CrashError;
      if (!isKnown) this.#options.problems.report(`letters could not be sent again: ${error}`);
    } finally {
      this.#readmitting = null;
    }
  }
}
