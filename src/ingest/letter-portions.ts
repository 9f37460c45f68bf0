import { LIMITS } from '../base/limits.ts';
import type { StoredLetter } from './dead-letters.ts';

/** Bytes that are no UTF-8 can only be refused again. */
export function rowOf(raw: string | Uint8Array): string {
  return typeof raw === 'string' ? raw : JSON.stringify('not UTF-8');
}

/** As many letters at a time as may be held in memory. */
export function* portions(letters: Iterable<StoredLetter>): Generator<StoredLetter[]> {
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
