import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { onBothDatabases } from '../both-databases.fixture.ts';
import type { RegistryAddress } from '../database.ts';
import { openDatabase } from '../open-database.ts';
import { AccessBook, type By, type NewKey } from './access-book.ts';
import { AccessSnapshot, type KeyCheck } from './access-snapshot.ts';
import { formatApiKey, hashOfSecret } from './api-key.ts';

const BY: By = { actor: 'local', nowMs: 1_000 };
const at = (nowMs: number): By => ({ actor: 'key:admin', nowMs });

/** A key whose id and secret are made of one byte. */
function keyOf(
  identity: string,
  byte: number,
  expiresMs: number | null = null,
): NewKey & { readonly text: string } {
  const made = formatApiKey(new Uint8Array(8).fill(byte), new Uint8Array(32).fill(byte));
  return { identity, id: made.id, hash: hashOfSecret(made.secret), expiresMs, text: made.text };
}

function open(t: TestContext, address: RegistryAddress): Promise<AccessBook> {
  return openDatabase(address).then((db) => {
    t.after(() => db.destroy());
    return new AccessBook(db);
  });
}

async function enabled(t: TestContext, address: RegistryAddress): Promise<AccessBook> {
  const book = await open(t, address);
  await book.enable('admin', keyOf('admin', 1), BY);
  await book.addIdentity('checkout', ['pii'], BY);
  return book;
}

async function check(book: AccessBook, token: string, nowMs: number): Promise<KeyCheck> {
  return new AccessSnapshot(await book.facts()).checkKey(token, nowMs);
}

const outcome = (checked: KeyCheck): string =>
  checked.ok ? checked.principal.id : checked.rejection;

onBothDatabases(
  'access is off until it is turned on, and is turned on once',
  async (t, address) => {
    const book = await open(t, address);
    assert.equal((await book.facts()).enabled, false);
    const key = keyOf('admin', 1);
    await book.enable('admin', key, BY);
    const checked = await check(book, key.text, 2_000);
    assert.ok(checked.ok);
    assert.deepEqual(checked.principal.grants, [{ namespace: '*', role: 'admin' }]);
    await assert.rejects(book.enable('other', keyOf('other', 2), BY), { code: 'run_conflict' });
    assert.equal((await book.facts()).identities.length, 1, 'nothing of the second try is left');
  },
);

onBothDatabases(
  'a key is good until it expires, is revoked, or its owner disabled',
  async (t, address) => {
    const book = await enabled(t, address);
    const key = keyOf('checkout', 2, 5_000);
    await book.addKey(key, BY);
    assert.equal(outcome(await check(book, key.text, 4_999)), 'key:checkout');
    assert.equal(outcome(await check(book, key.text, 5_000)), 'expired');
    const forged = key.text.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'));
    assert.equal(outcome(await check(book, forged, 2_000)), 'wrong_secret');
    assert.equal(outcome(await check(book, keyOf('checkout', 9).text, 2_000)), 'unknown_key');
    assert.equal(outcome(await check(book, 'asof_x', 2_000)), 'malformed');
    await book.setIdentity('checkout', { disabled: true }, BY);
    assert.equal(outcome(await check(book, key.text, 2_000)), 'disabled');
    await book.setIdentity('checkout', { disabled: false }, BY);
    await book.revokeKey(key.id, at(3_000));
    assert.equal(outcome(await check(book, key.text, 2_000)), 'revoked');
  },
);

onBothDatabases(
  'while keys rotate both are good, and then the new one alone',
  async (t, address) => {
    const book = await enabled(t, address);
    const [before, after] = [keyOf('checkout', 2), keyOf('checkout', 3)];
    await book.addKey(before, BY);
    await book.rotateKey(after, 10_000, at(2_000));
    assert.equal(outcome(await check(book, before.text, 9_999)), 'key:checkout');
    assert.equal(outcome(await check(book, after.text, 9_999)), 'key:checkout');
    assert.equal(outcome(await check(book, before.text, 10_000)), 'expired');
    assert.equal(outcome(await check(book, after.text, 10_000)), 'key:checkout');
  },
);

onBothDatabases('grants and rules come and go, and the revision tells', async (t, address) => {
  const book = await enabled(t, address);
  const grant = { grantee: 'identity:checkout', namespace: 'fraud', role: 'reader' } as const;
  const rule = {
    kind: 'column',
    definition: 'fraud.payments',
    part: 'amount',
    label: 'pii',
  } as const;
  const before = await book.revision();
  await book.grant(grant, BY);
  await book.grant(grant, BY);
  await book.addRule(rule, BY);
  const facts = await book.facts();
  assert.equal(facts.revision, before + 3);
  assert.equal(await book.revision(), facts.revision);
  assert.equal(facts.grants.filter(({ grantee }) => grantee === grant.grantee).length, 1);
  assert.deepEqual(facts.rules, [rule]);
  await book.revoke(grant, BY);
  await book.removeRule(rule, BY);
  await assert.rejects(book.revoke(grant, BY), { code: 'unknown_name' });
  await assert.rejects(book.removeRule(rule, BY), { code: 'unknown_name' });
  await assert.rejects(book.grant({ ...grant, grantee: 'identity:nobody' }, BY), {
    code: 'unknown_name',
  });
  await assert.rejects(book.addKey(keyOf('nobody', 7), BY), { code: 'unknown_name' });
});

onBothDatabases('somebody can always administer', async (t, address) => {
  const book = await enabled(t, address);
  const admin = keyOf('admin', 1);
  const grant = { grantee: 'identity:admin', namespace: '*', role: 'admin' } as const;
  await assert.rejects(book.revoke(grant, BY), { code: 'run_conflict' });
  await assert.rejects(book.revokeKey(admin.id, BY), { code: 'run_conflict' });
  await assert.rejects(book.setIdentity('admin', { disabled: true }, BY), { code: 'run_conflict' });
  await book.grant({ ...grant, grantee: 'identity:checkout' }, BY);
  await assert.rejects(book.revoke(grant, BY), { code: 'run_conflict' }, 'it has no key yet');
  await book.addKey(keyOf('checkout', 2), BY);
  await book.revoke(grant, BY);
  assert.equal(outcome(await check(book, admin.text, 2_000)), 'key:admin');
});

onBothDatabases(
  'the last use of a key is noted, and is no change of access',
  async (t, address) => {
    const book = await enabled(t, address);
    const { id } = keyOf('admin', 1);
    const before = await book.revision();
    await book.usedKeys(new Map([[id, 7_000]]));
    await book.usedKeys(new Map([[id, 6_000]]));
    const facts = await book.facts();
    assert.equal(facts.keys[0]?.lastUsedMs, 7_000);
    assert.equal(facts.revision, before);
  },
);

onBothDatabases('names that look like SQL are names', async (t, address) => {
  const book = await enabled(t, address);
  const hostile = "x'; DROP TABLE grants; --";
  await book.addIdentity(hostile, ['"; --', "' OR '1'='1"], BY);
  await book.grant({ grantee: `identity:${hostile}`, namespace: "' OR 1=1 --", role: 'admin' }, BY);
  const facts = await book.facts();
  assert.ok(facts.identities.some(({ name }) => name === hostile));
  const principal = new AccessSnapshot(facts).principalOf(hostile);
  assert.deepEqual(principal?.labels, ['"; --', "' OR '1'='1"]);
  assert.equal(new AccessSnapshot(facts).principalOf('x'), null);
});
