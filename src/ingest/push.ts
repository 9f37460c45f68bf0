import type { Clock } from '../base/clock.ts';
import { AsofError, ERRORS, type ErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Turn } from '../base/pause.ts';
import type { Acceptance, Judgement } from './acceptance.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { IngestStats } from './ingest-stats.ts';
import type { Letter } from './letter-line.ts';
import type { LiveMark } from './live-mark.ts';
import type { EventLog } from './log.ts';
import type { RowSlice } from './push-body.ts';
import { RowChunk } from './row-chunk.ts';
import type { GivenIds } from './shield.ts';

/** Why a row was not taken. */
export interface RowVerdict {
  /** Index among the rows of the push, from 0. */
  readonly row: number;
  /** Line of an NDJSON body, from 1. */
  readonly line: number | null;
  readonly code: ErrorCode;
  readonly column: string | null;
  readonly message: string;
  readonly remedy: string;
}

export interface PushResult {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  /** The newest commit of this push; the log's last one if it made none. */
  readonly commit: number;
  /** Only the rejected rows, in order. */
  readonly rows: readonly RowVerdict[];
}

/** What one source needs at the door. */
export interface Door {
  readonly acceptance: Acceptance;
  readonly stats: IngestStats;
}

export interface PushContext {
  readonly door: Door;
  readonly log: EventLog;
  readonly live: LiveMark;
  /** Where rejected rows go; null for letters, which are there and were counted already. */
  readonly letters: DeadLetters | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly eventsPerCommit: number;
  /** Not null: each commit waits for those before, and is not made where this says why. */
  readonly refusal: Refusal | null;
  /** Of letters whose rows came as tokens; ids as they are, if absent. */
  readonly given?: GivenIds;
  readonly turn: Turn;
  /** The schema version that all rows are of; null: each of any. */
  readonly pinned: number | null;
}

/** Why nothing can be taken now, or null. */
export type Refusal = () => AsofError | null;

/** One push on its way: read in slices, judged and logged in chunks. */
export class Push {
  readonly #context: PushContext;
  readonly #commits: Promise<void>[] = [];
  readonly #verdicts: RowVerdict[] = [];
  #received = 0;
  #accepted = 0;
  #commit = 0;
  /** Once a chunk could not be made durable, no later row of the push is taken. */
  #failure: unknown = null;

  constructor(context: PushContext) {
    this.#context = context;
  }

  async run(slices: Iterator<RowSlice>): Promise<PushResult> {
    const { eventsPerCommit, turn } = this.#context;
    let chunk: RowChunk | null = null;
    for (let next = slices.next(); next.done !== true; ) {
      const slice = next.value;
      this.#receive(slice.count);
      chunk ??= this.#newChunk(slice.count);
      chunk.add(slice);
      if (chunk.count + slice.count > eventsPerCommit) {
        await this.#commitChunk(chunk);
        chunk = null;
      }
      next = slices.next();
      // Reads and other pushes get their turn between the slices of a large one.
      if (next.done !== true) await turn();
    }
    if (chunk !== null) await this.#commitChunk(chunk);
    await Promise.all(this.#commits);
    if (this.#failure !== null && this.#accepted === 0) throw this.#failure;
    this.#verdicts.sort((a, b) => a.row - b.row);
    this.#count();
    return {
      received: this.#received,
      accepted: this.#accepted,
      rejected: this.#verdicts.length,
      commit: this.#commit === 0 ? this.#context.log.lastCommit : this.#commit,
      rows: this.#verdicts,
    };
  }

  /** A letter was counted when it came: that it is refused once more says nothing new. */
  #count(): void {
    const { door, letters } = this.#context;
    door.stats.receive(letters === null ? this.#accepted : this.#received);
    if (letters === null) return;
    for (const { code } of this.#verdicts) door.stats.reject(code, 1);
  }

  #receive(count: number): void {
    this.#received += count;
    if (this.#received <= LIMITS.rowsPerPush) return;
    const problem = new AsofError(
      'too_many_rows',
      `A push may have ${LIMITS.rowsPerPush} rows; this one has more.`,
    );
    if (this.#commits.length === 0) throw problem;
    this.#failure ??= problem;
  }

  #newChunk(rows: number): RowChunk {
    const { door, pinned, given = 'ids' } = this.#context;
    const { schema, lines, shield } = door.acceptance;
    const ids = shield === null ? null : { shield, given };
    return new RowChunk(schema, rows, this.#received - rows, lines, pinned, ids);
  }

  async #commitChunk(chunk: RowChunk): Promise<void> {
    const { log, door, clock, refusal, live } = this.#context;
    // What they have added counts for the refusal.
    if (refusal !== null) await Promise.all(this.#commits);
    while (!log.hasRoom) await log.room();
    this.#failure ??= refusal?.() ?? null;
    if (this.#failure !== null) {
      this.#refuseAll(chunk, this.#failure);
      return;
    }
    // From here to the append nothing waits: verdicts and offsets are given in one order.
    const nowMs = clock.nowMs();
    const { acceptance } = door;
    const pending = acceptance.ids.pending();
    const judgement = acceptance.judge(chunk, nowMs);
    live.before(judgement.entries);
    const before = log.aheadCommit;
    const durable = log.append(judgement.entries);
    const refused = log.aheadCommit === before && judgement.entries.length > 0;
    if (refused) acceptance.ids.rollback(pending);
    const letters = refused ? null : this.#keep(chunk, judgement, nowMs);
    if (!refused && this.#context.letters !== null) {
      door.stats.look(chunk, judgement.rejected, nowMs, acceptance.shield !== null);
    }
    this.#commits.push(this.#finish(chunk, judgement, durable, letters));
  }

  async #finish(
    chunk: RowChunk,
    judgement: Judgement,
    durable: Promise<readonly { readonly commit: number }[]>,
    letters: Promise<unknown> | null,
  ): Promise<void> {
    // Both are waited for whatever happens, so that no failure goes unseen.
    const [logged, kept] = await Promise.allSettled([durable, letters]);
    if (logged.status === 'rejected') {
      this.#failure ??= logged.reason;
      this.#refuseAll(chunk, logged.reason);
      return;
    }
    this.#accepted += judgement.accepted;
    const { door, letters: fresh } = this.#context;
    door.stats.change(judgement.changes);
    this.#commit = Math.max(this.#commit, logged.value.at(-1)?.commit ?? 0);
    for (const { slot, problem } of judgement.rejected) {
      const { code, message, remedy } = problem.problem;
      if (problem.lateMs !== undefined && fresh !== null) door.stats.clocks.refuse(problem.lateMs);
      this.#verdict(chunk, slot, code, problem.column, message, remedy);
    }
    if (kept.status === 'rejected') this.#sayNotKept(chunk, judgement, kept.reason);
  }

  /** What is rejected for good is kept; what only came at a bad time is for the sender to repeat. */
  #keep(chunk: RowChunk, judgement: Judgement, nowMs: number): Promise<void> | null {
    const { letters, door } = this.#context;
    const kept: Letter[] = [];
    for (const { slot, problem } of judgement.rejected) {
      const { code, message } = problem.problem;
      if (code === 'overloaded') continue;
      const { column } = problem;
      kept.push({ arrivalTimeMs: nowMs, code, column, message, raw: chunk.rawOf(slot) });
    }
    if (letters === null || kept.length === 0) return null;
    return letters.append(door.acceptance.schema.name, kept);
  }

  #verdict(
    chunk: RowChunk,
    slot: number,
    code: ErrorCode,
    column: string | null,
    message: string,
    remedy: string | null,
  ): void {
    this.#verdicts.push({
      row: chunk.firstRow + slot,
      line: chunk.lineOf(slot),
      code,
      column,
      message,
      remedy: remedy ?? ERRORS[code].remedy,
    });
  }

  #refuseAll(chunk: RowChunk, reason: unknown): void {
    const code = reason instanceof AsofError ? reason.code : 'internal';
    const message = reason instanceof Error ? reason.message : String(reason);
    const remedy = reason instanceof AsofError ? reason.remedy : null;
    for (let slot = 0; slot < chunk.count; slot++) {
      this.#verdict(chunk, slot, code, null, `Not taken: ${message}`, remedy);
    }
  }

  /** A row that is in neither log must come again, whatever else is wrong with it. */
  #sayNotKept(chunk: RowChunk, judgement: Judgement, reason: unknown): void {
    const code = reason instanceof AsofError ? reason.code : 'internal';
    this.#context.logger.error({ error: String(reason) }, 'dead letters could not be kept');
    const rows = new Set(judgement.rejected.map(({ slot }) => chunk.firstRow + slot));
    for (const [i, verdict] of this.#verdicts.entries()) {
      if (!rows.has(verdict.row) || verdict.code === 'overloaded') continue;
      const message = `Refused (${verdict.code}: ${verdict.message}) and not kept: ${reason}`;
      this.#verdicts[i] = { ...verdict, code, message, remedy: ERRORS[code].remedy };
    }
  }
}
