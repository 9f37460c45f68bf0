import type { ServerResponse } from 'node:http';
import { ANSWER_ROOMS } from '../serve/byte-rooms.ts';
import type { AnyResponse } from './any-version.ts';

/** With its header such an answer fits the room that Node writes text from without allocating. */
const TEXT_BYTES = 16_000;

/**
 * Ends a response with the bytes of an answer, and gives their memory back once nobody reads it any
 * more. A small one leaves as text, in one write with its header; of a large one nothing is copied.
 */
export function endWithAnswer(response: ServerResponse, bytes: Buffer): void {
  if (bytes.length > TEXT_BYTES) {
    giveWhenSent(response, bytes);
    response.end(bytes);
    return;
  }
  const text = bytes.toString('latin1');
  ANSWER_ROOMS.give(bytes);
  response.end(text, 'latin1');
}

/**
 * Gives the memory of an answer back when all of it has been handed over; of a connection that
 * breaks it is given up. A response of HTTP/2 says that it is finished also when it is reset, while
 * its connection still sends from that memory: its stream does not.
 */
export function giveWhenSent(response: AnyResponse, bytes: Buffer): void {
  const sent = 'stream' in response ? response.stream : response;
  sent.once('finish', () => ANSWER_ROOMS.give(bytes));
}
