import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from './gate.ts';

test('an exchange waits for those inside and holds back those that come', async () => {
  const gate = new Gate();
  const seen: string[] = [];
  let leave = (): void => {};
  const inside = gate.pass(async () => {
    await new Promise<void>((resolve) => {
      leave = resolve;
    });
    seen.push('first');
  });
  const exchange = gate.whileClosed(async () => {
    seen.push('exchange');
  });
  const held = gate.pass(async () => {
    seen.push('second');
  });
  await Promise.resolve();
  assert.deepEqual(seen, []);
  leave();
  await Promise.all([inside, exchange, held]);
  assert.deepEqual(seen, ['first', 'exchange', 'second']);
});

test('a failed exchange opens the gate again, and a failed call leaves it', async () => {
  const gate = new Gate();
  await assert.rejects(gate.whileClosed(() => Promise.reject(new Error('no'))));
  await assert.rejects(gate.pass(() => Promise.reject(new Error('no'))));
  assert.equal(await gate.whileClosed(async () => 1), 1);
  assert.equal(await gate.pass(async () => 2), 2);
});
