import { CallGuard, type CallGuardStatus, type Refusal } from '../base/call-guard.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Random } from '../base/random.ts';
import type { Timers } from '../base/timers.ts';
import type { StoredPosition } from './applied-position.ts';
import type { RowKey, StoredRow } from './row-store.ts';

/** What a reader asks the primary for, and tells it. */
export interface RowsAsked {
  readonly rows: readonly RowKey[];
  /** Keys that were read from the store of late, and how often. */
  readonly read: readonly (readonly [group: string, key: string, count: number])[];
}

/** All rows that were asked for, in that order, as of one position. */
export interface PrimaryRead {
  /** Of which events the state is; see `stored-groups.ts`. */
  readonly history: string;
  readonly position: StoredPosition;
  readonly rows: readonly (StoredRow | null)[];
}

/** The process that has all rows, for those that the store does not hold. */
export interface PrimaryRows {
  /** @throws AsofError `store_unavailable`, `store_timeout` */
  read(asked: RowsAsked, deadlineMs: number): Promise<PrimaryRead>;
}

export interface GuardedPrimaryOptions {
  readonly timers: Timers;
  readonly random: Random;
}

/**
 * A primary whose answers come by the deadline or not at all, which is left alone while it is away,
 * and of which no more is asked at a time than it can bear: unknown keys come to it too.
 */
export class GuardedPrimary implements PrimaryRows {
  readonly #primary: PrimaryRows;
  readonly #guard: CallGuard;

  constructor(primary: PrimaryRows, options: GuardedPrimaryOptions) {
    this.#primary = primary;
    this.#guard = new CallGuard({
      ...options,
      failures: LIMITS.storeFailures,
      openMs: LIMITS.storeOpenMs,
      maxOpenMs: LIMITS.storeMaxOpenMs,
      probeMs: LIMITS.storeProbeMs,
      patienceMs: LIMITS.storePatienceMs,
      concurrent: LIMITS.coldReads,
    });
  }

  get status(): CallGuardStatus {
    return this.#guard.status;
  }

  async read(asked: RowsAsked, deadlineMs: number): Promise<PrimaryRead> {
    if (asked.rows.length > LIMITS.coldRowsMax) {
      throw new AsofError('store_unavailable', 'The primary is asked for too many rows at once.');
    }
    const read = await this.#guard.run<PrimaryRead | AsofError>(deadlineMs, {
      run: (untilMs) => this.#primary.read(asked, untilMs),
      isFailure: (one) => one instanceof AsofError,
      refused,
    });
    if (read instanceof AsofError) throw read;
    return read;
  }
}

function refused(refusal: Refusal): AsofError {
  if (refusal === 'late') {
    return new AsofError('store_timeout', 'The primary did not answer within the deadline.');
  }
  return new AsofError('store_unavailable', 'The primary is left alone for a while.');
}
