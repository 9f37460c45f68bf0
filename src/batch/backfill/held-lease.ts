import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Lease } from '../../store/offline-catalog-leases.ts';
import type { BackfillWorld } from './world.ts';

/** What holding a lease takes. */
export type LeaseWorld = Pick<BackfillWorld, 'catalog' | 'owner' | 'isGone' | 'every'>;

/** A lease that is renewed for as long as the work goes on; `signal` fires once it is lost. */
export class HeldLease {
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly #world: LeaseWorld;
  readonly #lost = new AbortController();
  readonly #stop: () => void;

  /** @throws AsofError `run_conflict` */
  constructor(world: LeaseWorld, name: string) {
    const { leases } = world.catalog;
    this.#world = world;
    this.lease = leases.take(name, world.owner, LIMITS.offlineLeaseMs, world.isGone);
    this.signal = this.#lost.signal;
    this.#stop = world.every(LIMITS.offlineLeaseMs / 4, () => this.#renew());
  }

  #renew(): void {
    try {
      this.#world.catalog.leases.renew(this.lease, LIMITS.offlineLeaseMs);
    } catch (error) {
      // A disk that fails for a moment is no loss: publishing asks again.
      if (error instanceof AsofError && error.code === 'run_conflict') this.#lost.abort(error);
    }
  }

  release(): void {
    this.#stop();
    this.#world.catalog.leases.release(this.lease);
  }
}
