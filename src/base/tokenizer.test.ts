import assert from 'node:assert/strict';
import { createHmac, hkdfSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { AsofError } from './errors.ts';
import { isSealed } from './seal.ts';
import { isToken, TOKEN_SQL_PATTERN, Tokenizer } from './tokenizer.ts';

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const tokenizer = new Tokenizer(KEY);

/** By the definition: HKDF, HMAC, the first 16 bytes. */
function naive(key: Uint8Array, domain: string, id: string): string {
  const own = hkdfSync('sha256', key, '', `asof token ${domain}`, 32);
  const digest = createHmac('sha256', new Uint8Array(own)).update(Buffer.from(id)).digest();
  return `t1.${digest.subarray(0, 16).toString('base64url')}`;
}

test('a token is the keyed hash of its id, however often it is asked for', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('default', 'fraud'),
      fc.string({ unit: 'grapheme', minLength: 1 }),
      (domain, id) => {
        const token = tokenizer.token(domain, id);
        assert.equal(token, naive(KEY, domain, id));
        assert.equal(tokenizer.token(domain, id), token);
        assert.ok(isToken(token));
        assert.match(token, new RegExp(`^${TOKEN_SQL_PATTERN}$`));
        assert.equal(tokenizer.tokenOf(domain, token), token);
        assert.notEqual(tokenizer.token(domain, token), token);
      },
    ),
    { numRuns: 200 },
  );
});

test('tokens of two namespaces, and of two keys, have nothing in common', () => {
  const other = new Tokenizer(Uint8Array.from(KEY, (byte) => byte ^ 1));
  const ids = Array.from({ length: 500 }, (_, i) => `user-${i}`);
  const all = ids.flatMap((id) => [
    tokenizer.token('fraud', id),
    tokenizer.token('growth', id),
    other.token('fraud', id),
  ]);
  assert.equal(new Set(all).size, all.length);
});

test('no id has no token', () => {
  assert.equal(tokenizer.token('fraud', ''), '');
  for (const text of ['', 't1.', 't0.AAAAAAAAAAAAAAAAAAAAAA', 't1.AAAAAAAAAAAAAAAAAAAAAA=']) {
    assert.equal(isToken(text), false, text);
  }
});

test('what is sealed is opened by the same key for the same purpose alone', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, at) => {
      const sealed = tokenizer.seal('letters', bytes);
      assert.ok(isSealed(sealed));
      assert.notEqual(tokenizer.seal('letters', bytes), sealed);
      assert.deepEqual(tokenizer.open('letters', sealed), bytes);
      const refused = (open: () => unknown) =>
        assert.throws(open, (e) => e instanceof AsofError && e.code === 'token_key_wrong');
      refused(() => tokenizer.open('others', sealed));
      refused(() => new Tokenizer(new Uint8Array(32)).open('letters', sealed));
      const body = Buffer.from(sealed.slice('sealed1.'.length), 'base64url');
      body[at % body.length] = (body[at % body.length] as number) ^ 1;
      refused(() => tokenizer.open('letters', `sealed1.${body.toString('base64url')}`));
    }),
    { numRuns: 100 },
  );
});

test('long ids are not remembered, or a sender of them could fill the memory', () => {
  const patient = new Tokenizer(KEY);
  const heldBefore = process.memoryUsage().heapUsed;
  const first = patient.token('default', '0'.padEnd(1_000_000, 'x'));
  for (let i = 1; i < 300; i++) patient.token('default', `${i}`.padEnd(1_000_000, 'x'));
  assert.ok(process.memoryUsage().heapUsed - heldBefore < 150e6);
  assert.equal(patient.token('default', '0'.padEnd(1_000_000, 'x')), first);
});
