import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import type { CatalogFile } from './offline-catalog-file.ts';

/** The right to work on something alone, until a time. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  /** Grows with each taking: who was overtaken has an older one, for ever. */
  readonly token: number;
  readonly untilMs: number;
}

/**
 * Leases run out by the clock, so that nobody waits for a process that died. Who lost one learns it
 * at the latest when it publishes: that checks the lease in the same transaction.
 */
export class CatalogLeases {
  readonly #file: CatalogFile;
  readonly #clock: Clock;

  constructor(file: CatalogFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /**
   * Takes a lease that is free, has run out, is the owner's own, or whose owner is known to be gone.
   * @throws AsofError `run_conflict` with who holds it and for how long
   */
  take(
    name: string,
    owner: string,
    forMs: number,
    isGone: (owner: string) => boolean = () => false,
  ): Lease {
    return this.#file.transaction(() => {
      const nowMs = this.#clock.nowMs();
      const held = this.held(name);
      const isFree = held === null || held.owner === owner || held.untilMs <= nowMs;
      if (!isFree && !isGone(held.owner)) {
        const seconds = Math.ceil((held.untilMs - nowMs) / 1000);
        throw new AsofError('run_conflict', `${held.owner} works on ${name}.`, {
          path: name,
          remedy: `Wait for its end; if it died, run this again in ${seconds} s.`,
        });
      }
      const lease = { name, owner, token: (held?.token ?? 0) + 1, untilMs: nowMs + forMs };
      this.#file.run(
        'INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)',
        name,
        owner,
        lease.token,
        lease.untilMs,
      );
      return lease;
    });
  }

  /** @throws AsofError `run_conflict` if somebody else has taken it meanwhile */
  renew(lease: Lease, forMs: number): Lease {
    const untilMs = this.#clock.nowMs() + forMs;
    const renewed = this.#file.run(
      'UPDATE leases SET until_ms = ? WHERE name = ? AND token = ?',
      untilMs,
      lease.name,
      lease.token,
    );
    if (renewed === 0) throw this.#lost(lease);
    return { ...lease, untilMs };
  }

  /** Inside a transaction: that nobody has taken it meanwhile. One that ran out but is untaken holds. */
  require(lease: Lease): void {
    if (this.held(lease.name)?.token !== lease.token) throw this.#lost(lease);
  }

  /** The next one may begin at once. Tokens stay, so that they never repeat. */
  release(lease: Lease): void {
    this.#file.run(
      'UPDATE leases SET until_ms = 0 WHERE name = ? AND token = ?',
      lease.name,
      lease.token,
    );
  }

  held(name: string): Lease | null {
    const row = this.#file.get('SELECT * FROM leases WHERE name = ?', name);
    if (row === undefined) return null;
    return {
      name,
      owner: String(row.owner),
      token: Number(row.token),
      untilMs: Number(row.until_ms),
    };
  }

  #lost({ name }: Lease): AsofError {
    const owner = this.held(name)?.owner ?? 'nobody';
    return new AsofError('run_conflict', `${name} was taken over by ${owner}.`, {
      path: name,
      remedy: 'Nothing was published by this run; run it again.',
    });
  }
}
