import { assert } from '../base/assert.ts';
import { ANSWER_ROOMS } from './byte-rooms.ts';

/** The text of an answer in JSON. */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  ANSWER_ROOMS.give(bytes);
  return text;
}

/** @throws where rows are fetched from elsewhere, so that nothing is there at once */
export function atOnce<T>(answer: T | Promise<T>): T {
  assert(!(answer instanceof Promise), 'the state is in this process');
  return answer;
}
