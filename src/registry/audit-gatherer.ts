import type { Clock } from '../base/clock.ts';
import { LIMITS } from '../base/limits.ts';
import { type AuditNote, EVERY_NAMESPACE } from './audit.ts';
import type { AuditEntry, AuditSink } from './audit-entry.ts';

const MINUTE_MS = 60_000;

/** Notes of one kind within one minute. */
interface Gathered {
  readonly first: Omit<AuditEntry, 'atMs'>;
  readonly minute: number;
  firstMs: number;
  lastMs: number;
  /** Not written yet. */
  count: number;
  /** Whether entries of this kind and minute were written: the rest waits for the minute's end. */
  isTold: boolean;
}

/**
 * Gathers what is denied, and sensitive reads, for the audit: one entry for each actor, action,
 * target and outcome at once, and one for all others of its minute, with their number. A note costs
 * a look into a map, never waits and never fails; what is beyond the bound is counted, and that is
 * an entry itself.
 */
export class AuditGatherer implements AuditSink {
  readonly #clock: Clock;
  readonly #write: (notes: readonly AuditNote[]) => Promise<void>;
  readonly #kindsMax: number;
  #gathered = new Map<string, Gathered>();
  #overflow = 0;
  #overflowSinceMs = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(
    clock: Clock,
    write: (notes: readonly AuditNote[]) => Promise<void>,
    kindsMax: number = LIMITS.auditGathered,
  ) {
    this.#clock = clock;
    this.#write = write;
    this.#kindsMax = kindsMax;
  }

  note(entry: Omit<AuditEntry, 'atMs'>): void {
    const nowMs = this.#clock.nowMs();
    const minute = Math.floor(nowMs / MINUTE_MS);
    const { actor, action, namespace, target, outcome } = entry;
    const kind = [minute, actor, action, namespace, target, outcome].join('\u0000');
    const known = this.#gathered.get(kind);
    if (known !== undefined) {
      if (known.count === 0) known.firstMs = nowMs;
      known.lastMs = nowMs;
      known.count += 1;
    } else if (this.#gathered.size < this.#kindsMax) {
      const times = { firstMs: nowMs, lastMs: nowMs };
      this.#gathered.set(kind, { first: entry, minute, ...times, count: 1, isTold: false });
    } else {
      if (this.#overflow === 0) this.#overflowSinceMs = nowMs;
      this.#overflow += 1;
    }
  }

  /**
   * Writes what is due; with `isEnd` all there is. What cannot be written is kept, within the bound,
   * for the next time.
   * @throws whatever writing throws
   */
  flush(isEnd = false): Promise<void> {
    this.#running = this.#running.catch(() => {}).then(() => this.#flush(isEnd));
    return this.#running;
  }

  async #flush(isEnd: boolean): Promise<void> {
    const minute = Math.floor(this.#clock.nowMs() / MINUTE_MS);
    const due: Gathered[] = [];
    for (const [kind, one] of this.#gathered) {
      const isOver = isEnd || one.minute < minute;
      if (one.count > 0 && (isOver || !one.isTold)) due.push(one);
      if (one.count === 0 && isOver) this.#gathered.delete(kind);
    }
    const overflow = this.#overflow;
    if (due.length === 0 && overflow === 0) return;
    const counts = due.map(({ count }) => count);
    await this.#write([
      ...due.map(noteOf),
      ...(overflow === 0 ? [] : [overflowNote(overflow, this.#overflowSinceMs)]),
    ]);
    // More may have come meanwhile.
    this.#overflow -= overflow;
    for (const [at, one] of due.entries()) {
      one.count -= counts[at] ?? 0;
      one.isTold = true;
    }
    for (const [kind, one] of this.#gathered) {
      if (one.count === 0 && (isEnd || one.minute < minute)) this.#gathered.delete(kind);
    }
  }
}

function noteOf({ first, firstMs, lastMs, count }: Gathered): AuditNote {
  const more = count === 1 ? {} : { count, lastMs };
  return { ...first, atMs: firstMs, details: { ...first.details, ...more } };
}

function overflowNote(count: number, sinceMs: number): AuditNote {
  return {
    ...{ atMs: sinceMs, actor: 'asof', action: 'audit.overflow', namespace: EVERY_NAMESPACE },
    ...{ target: 'audit', outcome: 'failed' },
    details: { count, why: 'more kinds of events than are gathered at a time' },
  };
}
