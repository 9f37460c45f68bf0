import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { AccessSnapshot } from './access-snapshot.ts';
import { formatApiKey, hashOfSecret, parseApiKey, secretMatches } from './api-key.ts';

const made = formatApiKey(new Uint8Array(8).fill(1), new Uint8Array(32).fill(2));

test('a key is read as it was written, and nothing else is a key', () => {
  assert.deepEqual(parseApiKey(made.text), { id: made.id, secret: made.secret });
  const others = [
    '',
    'asof_',
    `${made.text} `,
    made.text.slice(1),
    `asof_${made.id}_`,
    made.text.toUpperCase(),
    `asof_../../etc_${made.secret}`,
  ];
  for (const text of others) assert.equal(parseApiKey(text), null, text);
});

test('a secret fits its own hash alone, and no hash at all fits none', () => {
  assert.equal(secretMatches(made.secret, hashOfSecret(made.secret)), true);
  assert.equal(secretMatches(`${made.secret}x`, hashOfSecret(made.secret)), false);
  assert.equal(secretMatches(made.secret, null), false);
});

test('known, unknown, revoked and expired keys cost one and the same comparison', (t) => {
  const { timingSafeEqual, createHash } = crypto;
  const calls: string[] = [];
  t.after(() => {
    Object.assign(crypto, { timingSafeEqual, createHash });
    syncBuiltinESMExports();
  });
  Object.assign(crypto, {
    timingSafeEqual: (a: Buffer, b: Buffer) => {
      calls.push(`compare ${a.length} ${b.length}`);
      return timingSafeEqual(a, b);
    },
    createHash: (name: string) => {
      calls.push(name);
      return createHash(name);
    },
  });
  syncBuiltinESMExports();
  const key = {
    ...{ id: made.id, identity: 'a', hash: hashOfSecret(made.secret) },
    ...{ createdMs: 0, expiresMs: 10, revokedMs: null, lastUsedMs: null },
  };
  const identity = { name: 'a', labels: [], disabled: false, createdMs: 0 };
  const facts = { enabled: true, revision: 1, grants: [], rules: [], identities: [identity] };
  const work = (keys: readonly (typeof key)[], token: string, nowMs: number): string[] => {
    const snapshot = new AccessSnapshot({ ...facts, keys });
    calls.length = 0;
    snapshot.checkKey(token, nowMs);
    return [...calls];
  };
  const known = work([key], made.text, 5);
  assert.deepEqual(known, ['sha256', 'compare 32 32']);
  assert.deepEqual(work([], made.text, 5), known, 'unknown');
  assert.deepEqual(work([key], made.text, 11), known, 'expired');
  assert.deepEqual(work([{ ...key, revokedMs: 1 } as never], made.text, 5), known, 'revoked');
  assert.deepEqual(work([{ ...key, hash: hashOfSecret('x') }], made.text, 5), known, 'wrong');
});
