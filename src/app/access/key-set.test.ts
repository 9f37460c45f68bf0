import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import { ManualClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { KeySet } from './key-set.ts';

test('an issuer that hangs holds up no token whose key is known, for longer than the patience', async () => {
  const { publicKey } = await generateKeyPair('RS256', { extractable: true });
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }];
  const clock = new ManualClock(1_800_000_000_000);
  const waited: number[] = [];
  let loads = 0;
  const load = (): Promise<string> => {
    loads += 1;
    return loads === 1 ? Promise.resolve(JSON.stringify({ keys })) : new Promise(() => {});
  };
  const set = new KeySet(load, clock, async (durationMs) => void waited.push(durationMs));
  const header = { alg: 'RS256', kid: 'one' };
  const token = { payload: '', signature: '' };
  assert.ok(await set.keyOf(header, token));
  assert.deepEqual([loads, waited], [1, []]);
  clock.advanceTo(clock.nowMs() + LIMITS.jwksFreshMs + 1);
  assert.ok(await set.keyOf(header, token));
  assert.deepEqual([loads, waited], [2, [LIMITS.jwksPatienceMs]]);
  // Keys are not good for ever.
  clock.advanceTo(clock.nowMs() + LIMITS.jwksKeptMs);
  await assert.rejects(async () => set.keyOf(header, token), /not known/);
});
