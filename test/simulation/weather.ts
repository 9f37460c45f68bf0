import type { Random } from '../../src/base/random.ts';
import type { DiskFaults, DiskOperation } from '../../src/testing/simulated-disk.ts';
import type { SimulatedTime } from '../../src/testing/simulated-time.ts';

/** How bad one run is, from nothing at all to a storm: chances of one operation or step. */
interface Climate {
  readonly io: number;
  readonly full: number;
  readonly crash: number;
  readonly stepCrash: number;
  readonly network: number;
}

const FULL_MS = 10 * 60_000;

/** How the disk below the state's folder fails for long, while the log's goes on. */
interface StoreFailure {
  readonly untilMs: number;
  readonly fault: 'io' | 'full' | 'slow';
  readonly alsoReads: boolean;
}

const SLOW_STORE_MS = 600_000;

/** What goes wrong in a run, and how slow everything is. */
export class Weather {
  readonly disk: DiskFaults;
  readonly climate: Climate;
  /** From the end of the storm on nothing goes wrong any more. */
  isCalm = false;
  readonly #random: Random;
  readonly #seen: (what: string, where?: string) => void;
  readonly #slowMs: number;
  readonly #time: SimulatedTime;
  #fullUntilMs = 0;
  readonly #storeFailureChance: number;
  #storeFailure: StoreFailure | null = null;

  constructor(
    random: Random,
    time: SimulatedTime,
    seen: (what: string, where?: string) => void,
    storeFailure: number,
  ) {
    this.#storeFailureChance = storeFailure;
    this.#random = random;
    this.#time = time;
    this.#seen = seen;
    const chance = (...chances: readonly number[]): number => random.pick(chances);
    this.climate = {
      io: chance(0, 0, 0.003, 0.03),
      full: chance(0, 0, 0.003, 0.02),
      crash: chance(0, 0.002, 0.01),
      stepCrash: chance(0, 0.001, 0.01),
      network: chance(0, 0.1, 0.4),
    };
    this.#slowMs = random.pick([1, 5, 200, 60_000]);
    this.disk = {
      next: (operation, path) => this.#diskFault(operation, path),
      syncMs: (path) => {
        const isSlow = this.#failureOf(path)?.fault === 'slow';
        return random.below(this.isCalm ? 5 : isSlow ? SLOW_STORE_MS : this.#slowMs);
      },
    };
  }

  happens(chance: number): boolean {
    return !this.isCalm && chance > 0 && this.#random.next() < chance;
  }

  /** How long a message is under way. */
  networkMs(): number {
    const late = this.happens(this.climate.network);
    return 1 + this.#random.below(late ? this.#random.pick([1_000, 60_000, 3_600_000]) : 40);
  }

  #diskFault(operation: DiskOperation, path: string): 'none' | 'io' | 'full' | 'crash' {
    if (this.isCalm) return 'none';
    const { io, full, crash } = this.climate;
    const isReading = operation === 'read';
    const takesRoom = !['read', 'remove', 'truncate', 'sync folder'].includes(operation);
    const failure = this.#failureOf(path);
    if (failure !== null && failure.fault !== 'slow' && (failure.alsoReads || !isReading)) {
      const fault = takesRoom ? failure.fault : 'io';
      return this.#says('a store that fails for long', fault, path);
    }
    if (this.happens(crash)) return this.#says(`a crash in ${operation}`, 'crash', path);
    if (this.happens(isReading ? io / 5 : io)) return this.#says(`EIO in ${operation}`, 'io', path);
    const nowMs = this.#time.nowMs;
    if (this.happens(full)) this.#fullUntilMs = nowMs + this.#random.below(FULL_MS);
    if (nowMs >= this.#fullUntilMs || !takesRoom) return 'none';
    return this.#says(`ENOSPC in ${operation}`, 'full', path);
  }

  #failureOf(path: string): StoreFailure | null {
    if (this.isCalm || !path.startsWith('state/')) return null;
    const { nowMs } = this.#time;
    if (this.happens(this.#storeFailureChance)) {
      const lastsMs = this.#random.below(this.#random.pick([60_000, 3_600_000, 86_400_000]));
      const fault = this.#random.pick(['io', 'full', 'slow'] as const);
      const alsoReads = this.#random.below(4) === 0;
      this.#storeFailure = { untilMs: nowMs + lastsMs, fault, alsoReads };
    }
    const failure = this.#storeFailure;
    return failure !== null && nowMs < failure.untilMs ? failure : null;
  }

  #says<T>(what: string, fault: T, where = ''): T {
    this.#seen(what, where);
    return fault;
  }
}
