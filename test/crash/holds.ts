import type { Random } from '../../src/base/random.ts';
import { ACCOUNTS } from './ledger.ts';

/** One change of a hold, as it is pushed. */
export interface HoldChange {
  readonly hold: string;
  readonly op: 'insert' | 'update' | 'delete';
  readonly version: number;
  readonly account: string;
  readonly cents: number;
  readonly at: number;
}

const HOLDS = 400;

/**
 * A change stream with the table that it makes. Changes carry a version, so those without an answer
 * can be sent again, in order, whether or not they were taken.
 */
export class Holds {
  readonly #random: Random;
  readonly #table = new Map<string, HoldChange>();
  readonly #versions = new Map<string, number>();
  readonly #open: HoldChange[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  newBatch(size: number, nowMs: number): HoldChange[] {
    const batch = Array.from({ length: size }, () => this.#change(nowMs));
    this.#open.push(...batch);
    return batch;
  }

  #change(nowMs: number): HoldChange {
    const hold = `h${this.#random.below(HOLDS)}`;
    const version = (this.#versions.get(hold) ?? 0) + 1;
    this.#versions.set(hold, version);
    const live = this.#table.get(hold);
    const op = live === undefined ? 'insert' : this.#random.pick(['update', 'update', 'delete']);
    const change = {
      hold,
      op: op as HoldChange['op'],
      version,
      account: `a${this.#random.below(ACCOUNTS)}`,
      cents: this.#random.below(10_000),
      at: nowMs - this.#random.below(600_000),
    };
    if (change.op === 'delete') this.#table.delete(hold);
    else this.#table.set(hold, change);
    return change;
  }

  acknowledge(batch: readonly HoldChange[]): void {
    const done = new Set(batch);
    const left = this.#open.filter((change) => !done.has(change));
    this.#open.splice(0, this.#open.length, ...left);
  }

  /** Changes without an answer, in their order. */
  unacknowledged(): HoldChange[] {
    return [...this.#open];
  }

  /** Open holds and their cents, by account, once every change is settled. */
  expected(): Map<string, { count: number; cents: number }> {
    const totals = new Map<string, { count: number; cents: number }>();
    for (let i = 0; i < ACCOUNTS; i++) totals.set(`a${i}`, { count: 0, cents: 0 });
    for (const { account, cents } of this.#table.values()) {
      const total = totals.get(account);
      if (total === undefined) continue;
      total.count += 1;
      total.cents += cents;
    }
    return totals;
  }
}
