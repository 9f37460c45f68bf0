import type { Random } from '../../src/base/random.ts';

export interface Transfer {
  readonly transfer: string;
  readonly account: string;
  readonly cents: number;
  readonly at: number;
}

export const ACCOUNTS = 50;

/** What was sent and what was acknowledged: the truth that the server is held to. */
export class Ledger {
  readonly #random: Random;
  readonly #sent = new Map<string, Transfer>();
  readonly #unacknowledged = new Map<string, Transfer>();
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  newBatch(size: number, nowMs: number): Transfer[] {
    return Array.from({ length: size }, () => {
      this.#next += 1;
      const transfer = {
        transfer: `t${this.#next}`,
        account: `a${this.#random.below(ACCOUNTS)}`,
        cents: this.#random.below(200_000) - 100_000,
        at: nowMs - this.#random.below(600_000),
      };
      this.#sent.set(transfer.transfer, transfer);
      this.#unacknowledged.set(transfer.transfer, transfer);
      return transfer;
    });
  }

  acknowledge(batch: readonly Transfer[]): void {
    for (const { transfer } of batch) this.#unacknowledged.delete(transfer);
  }

  /** Sent without an answer: the server may or may not have them. */
  unacknowledged(): Transfer[] {
    return [...this.#unacknowledged.values()];
  }

  get acknowledgedCount(): number {
    return this.#sent.size - this.#unacknowledged.size;
  }

  /** Transfers and cents of each account: between these bounds, the same once all are settled. */
  expected(): Map<string, { atLeast: number; atMost: number; cents: number }> {
    const totals = new Map<string, { atLeast: number; atMost: number; cents: number }>();
    for (const one of this.#sent.values()) {
      const total = totals.get(one.account) ?? { atLeast: 0, atMost: 0, cents: 0 };
      total.atMost += 1;
      total.cents += one.cents;
      if (!this.#unacknowledged.has(one.transfer)) total.atLeast += 1;
      totals.set(one.account, total);
    }
    return totals;
  }
}
