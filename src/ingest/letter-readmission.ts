import { LIMITS } from '../base/limits.ts';
import type { DeadLetters, StoredLetter } from './dead-letters.ts';
import type { LetterFilter } from './letter-filter.ts';
import type { EventLog } from './log.ts';
import type { PushResult } from './push.ts';
import { type RowSlice, readRows } from './push-body.ts';
import type { GivenIds, Shield } from './shield.ts';

export interface ReadmitResult {
  readonly tried: number;
  readonly accepted: number;
  readonly commit: number;
  /** Letters that were refused again, with the reason of today; they stay as they are. */
  readonly refused: readonly {
    readonly id: string;
    readonly code: string;
    readonly message: string;
  }[];
}

interface Tools {
  readonly letters: DeadLetters;
  readonly log: EventLog;
  /** Keeps no new letters, and counts nothing of what it refuses. */
  readonly push: (slices: Iterator<RowSlice>, given: GivenIds) => Promise<PushResult>;
  /** Of a source whose letters are encrypted. */
  readonly shield: Shield | null;
  /** Of a slice. */
  readonly rows: number;
}

/** Judges the letters that are meant again, the oldest first, and marks those that are taken. */
export async function readmitLetters(
  { letters, log, push, rows, shield }: Tools,
  source: string,
  filter: LetterFilter,
): Promise<ReadmitResult> {
  const limit = Math.min(filter.limit ?? LIMITS.rowsPerPush, LIMITS.rowsPerPush);
  let [tried, accepted, commit] = [0, 0, log.lastCommit];
  const refused: ReadmitResult['refused'][number][] = [];
  for (const portion of portions(letters.list(source, { ...filter, open: true, limit }))) {
    tried += portion.length;
    for (const { id, code, origin } of portion.filter((letter) => !isRow(letter))) {
      const message = `Only the source can correct it: mend it${origin ? ` at ${origin.place}` : ''} and add it anew.`;
      refused.push({ id, code, message });
    }
    const opened = portion.filter(isRow).map((letter) => ({
      letter,
      ...(shield?.open(letter.raw) ?? { raw: letter.raw, given: 'ids' as const }),
    }));
    for (const [given, again] of Map.groupBy(opened, (one) => one.given)) {
      const texts = again.map(({ raw }) => rowOf(raw));
      const result = await push(readRows(texts, rows), given);
      accepted += result.accepted;
      commit = Math.max(commit, result.commit);
      const wrong = new Set(result.rows.map(({ row }) => row));
      for (const { row, code, message } of result.rows) {
        refused.push({ id: again[row]?.letter.id ?? '', code, message });
      }
      const taken = again.filter((_, row) => !wrong.has(row)).map(({ letter }) => letter);
      if (taken.length > 0) await letters.markReadmitted(source, taken);
    }
  }
  return { tried, accepted, commit, refused };
}

/** False for what a connector could not read as a row at all: there is none to judge. */
export function isRow({ code }: Pick<StoredLetter, 'code'>): boolean {
  return code !== 'unreadable_row';
}

/** Bytes that are no UTF-8 can only be refused again. */
function rowOf(raw: string | Uint8Array): string {
  return typeof raw === 'string' ? raw : JSON.stringify('not UTF-8');
}

/** As many letters at a time as may be held in memory. */
function* portions(letters: Iterable<StoredLetter>): Generator<StoredLetter[]> {
  let portion: StoredLetter[] = [];
  let size = 0;
  for (const letter of letters) {
    portion.push(letter);
    size += letter.raw.length;
    if (size < LIMITS.letterAnswerChars && portion.length < LIMITS.eventsPerCommit) continue;
    yield portion;
    portion = [];
    size = 0;
  }
  if (portion.length > 0) yield portion;
}
