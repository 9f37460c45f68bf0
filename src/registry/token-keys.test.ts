import assert from 'node:assert/strict';
import { AsofError } from '../base/errors.ts';
import { onBothDatabases } from './both-databases.fixture.ts';
import { Registry } from './registry.ts';

const clock = { nowMs: () => 1_000 };
const conflict = (error: unknown) => error instanceof AsofError && error.code === 'run_conflict';
const key = (wrapped: string) => ({
  ...{ wrapped, wrappingCheck: `check of ${wrapped}`, keyCheck: 'key', createdMs: 1, wrappedMs: 2 },
});

onBothDatabases('there is one key, encrypted by one other at a time', async (t, address) => {
  const registry = await Registry.open(address, clock);
  t.after(() => registry.close());
  const { tokenKeys } = registry;
  assert.equal(await tokenKeys.current(), null);
  await tokenKeys.create(key('a'));
  await assert.rejects(tokenKeys.create(key('b')), conflict);
  const before = await tokenKeys.current();
  assert.deepEqual(before, { ...key('a'), version: 1, wrapping: 1 });
  await tokenKeys.rewrap(before, key('b'));
  await assert.rejects(tokenKeys.rewrap(before, key('c')), conflict);
  assert.deepEqual(await tokenKeys.current(), { ...key('b'), version: 1, wrapping: 2 });
});

onBothDatabases('a rotation that dies half way has not been', async (t, address) => {
  const registry = await Registry.open(address, clock);
  t.after(() => registry.close());
  await registry.tokenKeys.create(key('a'));
  const before = await registry.tokenKeys.current();
  assert.ok(before !== null);
  const died = registry.transaction(async ({ tokenKeys }) => {
    await tokenKeys.rewrap(before, key('b'));
    throw new Error('the process ends');
  });
  await assert.rejects(died, /the process ends/);
  assert.deepEqual(await registry.tokenKeys.current(), before);
  await registry.tokenKeys.rewrap(before, key('b'));
});
