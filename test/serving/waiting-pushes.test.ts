import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../src/base/errors.ts';
import { createHttpWorld, flight, post } from './http-world.ts';

test('pushes wait up to so many bytes; the next is sent away at once, to come again', async (t) => {
  const waits: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const outcome = { received: 1, accepted: 1, rejected: 0, commit: 1, rows: [] };
  const http = await createHttpWorld(t, {
    waitingPushBytes: 2_500,
    ingestor: {
      sources: ['flights'],
      push: () =>
        new Promise((resolve, reject) => {
          waits.push({ resolve: () => resolve(outcome), reject });
        }),
    },
  });
  const event = flight('a', { flight: 'x'.repeat(900) });
  const send = () => post(http, '/v1/events/flights', event);
  const held = async (count: number): Promise<void> => {
    while (waits.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const first = send();
  const second = send();
  await held(2);
  const third = await send();
  assert.equal(third.status, 429);
  assert.equal(third.body.error.code, 'overloaded');
  assert.equal(third.body.error.retryable, true);
  assert.equal(third.answer.headers['retry-after'], '1');
  assert.equal(waits.length, 2, 'it never came to the door');
  waits[0]?.resolve();
  assert.equal((await first).status, 200);
  const fourth = send();
  await held(3);
  waits[1]?.reject(new AsofError('disk_full', 'full'));
  assert.equal((await second).status, 507);
  const fifth = send();
  await held(4);
  for (const { resolve } of waits) resolve();
  assert.deepEqual([(await fourth).status, (await fifth).status], [200, 200]);
});
