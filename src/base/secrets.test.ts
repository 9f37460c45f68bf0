import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSecrets } from './secrets.ts';

test('what looks like a secret is taken out, and all else stays', () => {
  const key = `asof_0123456789abcdef_${'s3'.repeat(21)}X`;
  const jwt = `eyJhbGciOiJSUzI1NiJ9.${'p'.repeat(40)}.${'q'.repeat(40)}`;
  const text =
    `key ${key}, {"authorization":"Bearer ${jwt}"}, ${jwt}, bearer abcdefghij, ` +
    'postgres://asof:hunter2@db:5432/registry and https://example.org/a:b';
  assert.equal(
    withoutSecrets(text),
    'key asof_0123456789abcdef_[secret], {"authorization":"Bearer [secret]"}, [secret], ' +
      'bearer [secret], postgres://asof:[secret]@db:5432/registry and https://example.org/a:b',
  );
  const plain = 'There is no service hush.checks at http://127.0.0.1:6570, row 3: a@b.';
  assert.equal(withoutSecrets(plain), plain);
});

test('a long text is read in one pass, whatever it looks like', () => {
  // With an expression that looks back at each place this would take many minutes.
  for (const part of ['x', 'eyJ', 'eyJ.', 'a://b:c', 'bearer ', 'asof_0123456789abcdef_']) {
    const text = part.repeat(Math.floor(500_000 / part.length));
    assert.equal(typeof withoutSecrets(text), 'string');
  }
  const jwt = `eyJhbGciOiJSUzI1NiJ9.${'p'.repeat(40)}.${'q'.repeat(40)}`;
  assert.equal(withoutSecrets(`a.b.x${jwt}.c`), 'a.b.x[secret].c');
  assert.equal(withoutSecrets(`${jwt}.${jwt}`), '[secret].[secret]');
  assert.equal(withoutSecrets('eyJhbGciOiJSUzI1NiJ9.only'), 'eyJhbGciOiJSUzI1NiJ9.only');
});
