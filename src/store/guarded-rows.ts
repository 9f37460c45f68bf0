import { CallGuard, type CallGuardStatus, type Refusal } from '../base/call-guard.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Random } from '../base/random.ts';
import type { Timers } from '../base/timers.ts';
import type {
  ReadOptions,
  RowKey,
  RowStore,
  RowWrite,
  StoreHead,
  StoreLease,
  StoreRead,
  StoreUsage,
} from './row-store.ts';

export interface GuardedRowsOptions {
  readonly timers: Timers;
  readonly random: Random;
}

/**
 * A store whose reads end by their deadlines whatever the store does, and are refused at once while
 * it is away: so it costs no request the time that it has. Reads reject, and never throw. Writes go
 * through as they are, since their publisher waits for nobody.
 */
export class GuardedRows implements RowStore {
  readonly kind: RowStore['kind'];
  readonly #rows: RowStore;
  readonly #timers: Timers;
  readonly #guard: CallGuard;

  constructor(rows: RowStore, { timers, random }: GuardedRowsOptions) {
    this.kind = rows.kind;
    this.#rows = rows;
    this.#timers = timers;
    this.#guard = new CallGuard({
      ...{ timers, random },
      failures: LIMITS.storeFailures,
      openMs: LIMITS.storeOpenMs,
      maxOpenMs: LIMITS.storeMaxOpenMs,
      probeMs: LIMITS.storeProbeMs,
      patienceMs: LIMITS.storePatienceMs,
      concurrent: LIMITS.storeReads,
    });
  }

  /** How it went of late; `closed` where reads go through. */
  get status(): CallGuardStatus {
    return this.#guard.status;
  }

  read(keys: readonly RowKey[], { deadlineMs }: ReadOptions): StoreRead | Promise<StoreRead> {
    try {
      const outcome = this.#guard.run<StoreRead | AsofError>(deadlineMs, {
        run: (untilMs) => this.#read(keys, untilMs),
        isFailure: isAway,
        isFault: (error) => !(error instanceof AsofError && error.code === 'newer_format'),
        refused,
      });
      return outcome instanceof Promise ? outcome.then(orThrow, asFailure) : orThrow(outcome);
    } catch (error) {
      return Promise.reject(asError(error));
    }
  }

  #read(keys: readonly RowKey[], untilMs: number): StoreRead | Promise<StoreRead> {
    const read = this.#rows.read(keys, { deadlineMs: this.#earlier(untilMs) });
    const checked = (one: StoreRead): StoreRead => whole(one, keys.length);
    return read instanceof Promise ? read.then(checked) : checked(read);
  }

  acquire(): Promise<StoreLease> {
    return this.#rows.acquire();
  }

  write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    return this.#rows.write(lease, commit, rows);
  }

  publish(lease: StoreLease, head: StoreHead): Promise<void> {
    return this.#rows.publish(lease, head);
  }

  dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void> {
    return this.#rows.dropGroups(lease, groups);
  }

  clear(lease: StoreLease): Promise<void> {
    return this.#rows.clear(lease);
  }

  usage(): Promise<StoreUsage> {
    return this.#rows.usage();
  }

  ping(): Promise<void> {
    return this.#rows.ping();
  }

  close(): Promise<void> {
    return this.#rows.close();
  }

  /** What is there by then of a store that keeps its time is answered, and not given up with it. */
  #earlier(deadlineMs: number): number {
    if (deadlineMs === Number.POSITIVE_INFINITY) return deadlineMs;
    const leftMs = deadlineMs - this.#timers.nowMs();
    return deadlineMs - Math.min(LIMITS.storeMarginMs, leftMs / 10);
  }
}

/** A store that gave none of the rows is not well; one that gave some is. */
function isAway(read: StoreRead | AsofError): boolean {
  if (read instanceof AsofError) return true;
  const { rows } = read;
  return (
    rows.length > 0 &&
    rows.every((row) => row !== null && 'fault' in row && row.fault !== 'corrupt')
  );
}

function refused(refusal: Refusal): AsofError {
  if (refusal === 'late') {
    return new AsofError('store_timeout', 'The online store did not answer within the deadline.');
  }
  const why =
    refusal === 'busy'
      ? 'As many reads of the online store as may be are under way.'
      : 'The online store failed again and again, and is left alone for a while.';
  return new AsofError('store_unavailable', why);
}

/** Rows are known by their places: too few or too many are none. */
function whole(read: StoreRead, count: number): StoreRead {
  if (read.head === null || read.rows.length === count) return read;
  const message = `The online store gave ${read.rows.length} rows in place of ${count}.`;
  throw new AsofError('store_unavailable', message);
}

/** Whatever a store does wrong, it is the store that is not to be had. */
function asError(thrown: unknown): AsofError {
  if (thrown instanceof AsofError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new AsofError('store_unavailable', `The online store failed: ${reason}`, {
    cause: thrown,
  });
}

function asFailure(thrown: unknown): never {
  throw asError(thrown);
}

function orThrow(outcome: StoreRead | AsofError): StoreRead {
  if (outcome instanceof AsofError) throw outcome;
  return outcome;
}
