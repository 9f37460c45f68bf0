import type { Clock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Judgement } from './acceptance.ts';
import { type DeadLetters, dayOf } from './dead-letters.ts';
import { emptyCommit } from './empty-commit.ts';
import { type LaneNote, laneName, lanesOf, laneText, readLane } from './lane-note.ts';
import { decodeLetter, encodeLetter, type Letter } from './letter-line.ts';
import type { LiveMark } from './live-mark.ts';
import type { EventLog } from './log.ts';
import type { Door } from './push.ts';
import { RowChunk } from './row-chunk.ts';
import { readSourced, type SourcedRow } from './sourced-rows.ts';

/** Rows that a connector read, and where it goes on behind them. */
export interface SourcedBatch {
  readonly connector: string;
  readonly lane: string;
  /** One more than that of the lane's batch before. */
  readonly batch: number;
  /** Null forgets the lane. */
  readonly token: string | null;
  readonly rows: readonly SourcedRow[];
}

export interface SourcedResult {
  readonly accepted: number;
  readonly rejected: number;
  /** Not null: the batch is not taken, and nothing of it is anywhere. */
  readonly full: FullDoor | null;
}

/** Why a batch cannot be taken now. */
export interface FullDoor {
  /** Rows from the first on for which there would be room; with 0 only time helps. */
  readonly rows: number;
  readonly error: AsofError;
}

interface SourcedContext {
  readonly log: EventLog;
  readonly letters: DeadLetters;
  readonly clock: Clock;
  readonly live: LiveMark;
}

/**
 * Takes one batch of a connector exactly once. Accepted rows, the position behind the batch and the
 * rows that were refused are one append to the log, which is there as a whole or not at all; the
 * refused ones then go to the dead letters, and `settleLanes` finishes that after a crash. A row
 * for which there is no room now is not refused: nothing of its batch is taken, to be tried again.
 * @throws AsofError `overloaded`, `disk_full`, `disk_failed`: try the same batch again
 */
export async function pushSourced(
  { log, letters, clock, live }: SourcedContext,
  door: Door,
  batch: SourcedBatch,
): Promise<SourcedResult> {
  const { schema, ids } = door.acceptance;
  const name = laneName(schema.name, batch.connector, batch.lane);
  while (!log.hasRoom) await log.room();
  const known = log.notes.texts.get(name);
  // The try before was durable, and only what came after it failed.
  if (known !== undefined && readLane(known).batch >= batch.batch) {
    await settleLane({ log, letters }, schema.name, name);
    return { accepted: 0, rejected: 0, full: null };
  }
  const { shield } = door.acceptance;
  const shielded = shield === null ? null : { shield, given: 'ids' as const };
  const chunk = new RowChunk(schema, Math.max(1, batch.rows.length), 0, null, null, shielded);
  for (const slice of readSourced(batch.rows, LIMITS.rowsPerSlice)) chunk.add(slice);
  // From here to the append nothing waits: verdicts and offsets are given in one order.
  const nowMs = clock.nowMs();
  const pending = ids.pending();
  const judgement = door.acceptance.judge(chunk, nowMs);
  const full = fullDoor(judgement);
  if (full !== null) {
    ids.rollback(pending);
    return { accepted: 0, rejected: 0, full };
  }
  const refused = lettersOf(batch, chunk, judgement, nowMs);
  const note: LaneNote = {
    batch: batch.batch,
    token: batch.token,
    letters: refused.map(encodeLetter),
  };
  const text = batch.token === null && refused.length === 0 ? '' : laneText(note);
  const { entries } = judgement;
  live.before(entries);
  const before = log.aheadCommit;
  const durable = log.append(entries.length > 0 ? entries : [emptyCommit(schema)], { name, text });
  if (log.aheadCommit === before) ids.rollback(pending);
  await durable;
  door.stats.receive(batch.rows.length);
  door.stats.change(judgement.changes);
  door.stats.look(chunk, judgement.rejected, nowMs, door.acceptance.shield !== null);
  for (const { code } of refused) door.stats.reject(code, 1);
  for (const { problem } of judgement.rejected) {
    if (problem.lateMs !== undefined) door.stats.clocks.refuse(problem.lateMs);
  }
  if (refused.length > 0) {
    await letters.append(schema.name, refused);
    log.notes.shorten(name, text, laneText({ ...note, letters: [] }));
  }
  return { accepted: judgement.accepted, rejected: refused.length, full: null };
}

export function fullDoor({ rejected }: Judgement): FullDoor | null {
  const first = rejected.find(({ problem }) => problem.passes === true);
  if (first === undefined) return null;
  const { message, remedy } = first.problem.problem;
  const error = new AsofError('overloaded', message, remedy === null ? {} : { remedy });
  return { rows: first.slot, error };
}

function lettersOf(
  { connector, batch, rows }: SourcedBatch,
  chunk: RowChunk,
  judgement: Judgement,
  nowMs: number,
): Letter[] {
  return judgement.rejected.map(({ slot, problem }) => {
    const { code, message } = problem.problem;
    const place = rows[slot]?.place ?? '';
    return {
      arrivalTimeMs: nowMs,
      code,
      column: problem.column,
      message,
      raw: chunk.rawOf(slot),
      origin: { connector, batch, place },
    };
  });
}

/** Writes the refused rows that a crash kept from the dead letters, for all lanes of a connector. */
export async function settleLanes(
  context: Pick<SourcedContext, 'log' | 'letters'>,
  source: string,
  connector: string,
): Promise<void> {
  for (const lane of lanesOf(context.log, source, connector).keys()) {
    await settleLane(context, source, laneName(source, connector, lane));
  }
}

export async function settleLane(
  { log, letters }: Pick<SourcedContext, 'log' | 'letters'>,
  source: string,
  name: string,
): Promise<void> {
  const text = log.notes.texts.get(name);
  if (text === undefined) return;
  const note = readLane(text);
  const due = note.letters.map((line) => {
    const letter = decodeLetter(line);
    if (letter !== null) return letter;
    throw new AsofError('corrupt_log', `A refused row of ${name} cannot be read.`);
  });
  const [first] = due;
  if (first === undefined) return;
  const kept = new Set<string>();
  // All letters of a batch bear one time, so they are in the files of one day.
  const { arrivalTimeMs } = first;
  const day = dayOf(arrivalTimeMs);
  await letters.secure(source, day);
  for (const letter of letters.list(source, { day })) {
    const { origin } = letter;
    if (origin === undefined || letter.arrivalTimeMs !== arrivalTimeMs) continue;
    const own = origin.batch === note.batch && origin.connector === first.origin?.connector;
    if (own) kept.add(origin.place);
  }
  const missing = due.filter(({ origin }) => origin === undefined || !kept.has(origin.place));
  if (missing.length > 0) await letters.append(source, missing);
  log.notes.shorten(name, text, laneText({ ...note, letters: [] }));
}
