import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, constants, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pause } from '../base/pause.ts';
import { ANSWER_ROOMS } from '../serve/byte-rooms.ts';
import type { AnyResponse } from './any-version.ts';
import { giveWhenSent } from './send-answer.ts';

const BYTES = 6_000_000;

/** One answer of 6 MB over HTTP/2, whose caller takes nothing of it yet. */
async function answered(t: TestContext) {
  const bytes = ANSWER_ROOMS.take(BYTES).subarray(0, BYTES);
  const { promise, resolve } = Promise.withResolvers<AnyResponse>();
  const server = createServer((request, response) => {
    request.resume();
    giveWhenSent(response, bytes);
    response.end(bytes);
    resolve(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    session.destroy();
    server.close();
  });
  const stream: ClientHttp2Stream = session.request({ ':path': '/' });
  stream.on('error', () => {});
  const response = await promise;
  // Where no room waits, this makes a new one.
  const isGiven = (): boolean => ANSWER_ROOMS.take(BYTES).buffer === bytes.buffer;
  return { stream, response, isGiven };
}

test('the memory of an answer that is reset while it is sent is not used again', async (t) => {
  const { stream, response, isGiven } = await answered(t);
  const closed = once(response, 'close');
  await pause(20);
  stream.close(constants.NGHTTP2_CANCEL);
  await closed;
  assert.equal(isGiven(), false);
});

test('the memory of an answer that was taken as a whole is used again', async (t) => {
  const { stream, response, isGiven } = await answered(t);
  const closed = once(response, 'close');
  stream.resume();
  await closed;
  assert.equal(isGiven(), true);
});
