import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { EventBatch } from '../schema/batch.ts';
import { cellOf } from './cell-columns.ts';

/** What a run into a stream has to know of the events that come live beside it. */
export interface Session {
  readonly name: string;
  readonly run: string;
  heardMs: number;
  /** Ids of live events since it began; null once there were too many to remember. */
  recent: Set<string> | null;
}

/**
 * One run into a stream at a time, for as long as it is heard of. Its sender leaves out what the
 * history held after the session began; what has come live since then is remembered here.
 */
export class BulkSessions {
  /** The first live arrival in this process, by source. */
  readonly firstLiveMs = new Map<string, number>();
  readonly #clock: Clock;
  readonly #bySource = new Map<string, Session>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws AsofError `run_conflict` */
  begin(source: string, run: string): Session {
    const nowMs = this.#clock.nowMs();
    const other = this.#bySource.get(source);
    if (other !== undefined && other.run !== run) this.#requireSilent(source, other, nowMs);
    this.#count += 1;
    const name = `${nowMs}.${this.#count}`;
    const session: Session = { name, run, heardMs: nowMs, recent: new Set() };
    this.#bySource.set(source, session);
    return session;
  }

  #requireSilent(source: string, { run, heardMs }: Session, nowMs: number): void {
    const silentMs = nowMs - heardMs;
    if (silentMs >= LIMITS.bulkSilentMs) return;
    throw new AsofError(
      'run_conflict',
      `History is being imported into '${source}' already, by the run ${run}.`,
      { remedy: 'Wait for its end, or a minute after it was stopped; then run this again.' },
    );
  }

  /** @throws AsofError `session_ended`, `run_conflict` */
  require(source: string, run: string, name: string): Session {
    const session = this.#bySource.get(source);
    if (session === undefined || (session.run === run && session.recent === null)) {
      throw new AsofError('session_ended', `The import into '${source}' has to start again.`);
    }
    if (session.run !== run || session.name !== name) {
      throw new AsofError('run_conflict', `Another process imports into '${source}' now.`);
    }
    session.heardMs = this.#clock.nowMs();
    return session;
  }

  end(source: string, run: string): void {
    if (this.#bySource.get(source)?.run === run) this.#bySource.delete(source);
  }

  /** @param idAt index of the id column, -1 where there is none */
  observe({ source, imported, columns, count }: EventBatch, idAt: number): void {
    const session = this.#bySource.get(source);
    if (session === undefined || imported === true || count === 0) return;
    const ids = columns[idAt];
    if (ids === undefined || session.recent === null) return;
    for (let i = 0; i < count; i++) {
      const id = cellOf(ids, i);
      if (id !== null) session.recent.add(String(id));
    }
    if (session.recent.size > LIMITS.bulkRecentIds) session.recent = null;
  }
}
