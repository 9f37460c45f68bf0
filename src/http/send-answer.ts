import type { ServerResponse } from 'node:http';
import { ANSWER_ROOMS } from '../serve/byte-rooms.ts';

/** With its header such an answer fits the room that Node writes text from without allocating. */
const TEXT_BYTES = 16_000;

/**
 * Ends a response with the bytes of an answer, and gives their memory back once nobody reads it any
 * more. A small one leaves as text, in one write with its header; of a large one nothing is copied.
 */
export function endWithAnswer(response: ServerResponse, bytes: Buffer): void {
  if (bytes.length > TEXT_BYTES) {
    // Called when all of it has been handed over; of a connection that breaks it is given up.
    response.end(bytes, () => ANSWER_ROOMS.give(bytes));
    return;
  }
  const text = bytes.toString('latin1');
  ANSWER_ROOMS.give(bytes);
  response.end(text, 'latin1');
}
