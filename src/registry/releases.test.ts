import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { Registry } from './registry.ts';
import { openRegistryFile } from './registry-file.ts';
import { ReleaseBook } from './releases.ts';

const SERVICE = 'fraud';

function publish(book: ReleaseBook, version: number, canaryPpm: number | null = null) {
  return book.publish({
    service: SERVICE,
    version,
    canaryPpm,
    liveBefore: book.of(SERVICE)?.live ?? 1,
    atMs: 5,
    author: 'test',
    reason: null,
    evidence: { version },
  });
}

const back = { service: SERVICE, atMs: 6, author: 'test', reason: null };

test('publish, canary, rollback: one step back each, to the first and no further', () => {
  const book = new ReleaseBook(openRegistryFile(':memory:'));
  assert.equal(book.of(SERVICE), null);
  assert.equal(book.rollback(back), null);
  assert.equal(publish(book, 2).before, 1);
  const canary = publish(book, 3, 100_000);
  assert.deepEqual([canary.live, canary.canary, canary.canaryPpm], [2, 3, 100_000]);
  const wider = publish(book, 3, 500_000);
  assert.deepEqual([wider.live, wider.before], [2, 1]);
  const ended = book.rollback(back);
  assert.deepEqual([ended?.from, ended?.release.live, ended?.release.canary], [3, 2, null]);
  publish(book, 3);
  assert.deepEqual([book.rollback(back)?.release.live, book.of(SERVICE)?.before], [2, 1]);
  assert.deepEqual([book.rollback(back)?.release.live, book.of(SERVICE)?.before], [1, null]);
  assert.equal(book.rollback(back), null);
  assert.equal(book.history(SERVICE).length, 7);
  assert.equal(book.newestId(), 7);
});

test('a change that was judged against another version than the live one is refused', () => {
  const book = new ReleaseBook(openRegistryFile(':memory:'));
  publish(book, 2);
  const change = { service: SERVICE, version: 3, canaryPpm: null, atMs: 1, author: 'a' };
  assert.throws(() => book.publish({ ...change, liveBefore: 1, reason: null, evidence: {} }), {
    code: 'run_conflict',
  });
  assert.equal(book.of(SERVICE)?.live, 2);
});

test('any series of changes is what a stack of live versions says', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), version: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('canary' as const), version: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('rollback' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const book = new ReleaseBook(openRegistryFile(':memory:'));
      const lives: number[] = [];
      let canary: number | null = null;
      for (const one of steps) {
        if (one.kind === 'rollback') {
          const result = book.rollback(back);
          if (canary !== null) canary = null;
          else if (lives.length > 1) lives.pop();
          else assert.equal(result, null);
        } else {
          if (lives.length === 0) lives.push(1);
          if (one.kind === 'canary') canary = one.version;
          else {
            canary = null;
            if (lives.at(-1) !== one.version) lives.push(one.version);
          }
          publish(book, one.version, one.kind === 'canary' ? 10 : null);
        }
        const now = book.of(SERVICE);
        assert.deepEqual(
          [now?.live, now?.before ?? undefined, now?.canary ?? null],
          [lives.at(-1), lives.at(-2), canary],
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('a registry of the first format is brought to the newest, with what it holds', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-registry-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const old = new DatabaseSync(path);
  old.exec(`CREATE TABLE definitions (
      kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL,
      body TEXT NOT NULL, first_applied_ms INTEGER NOT NULL,
      PRIMARY KEY (kind, name, version)
    ) STRICT;
    CREATE TABLE applies (
      generation INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL, author TEXT NOT NULL,
      plan TEXT NOT NULL, summary TEXT NOT NULL
    ) STRICT;
    INSERT INTO definitions VALUES ('view', 'use', 1, 'abc', '{}', 7);
    PRAGMA user_version = 1;`);
  old.close();
  const registry = Registry.open(path, { nowMs: () => 5 });
  assert.deepEqual(registry.datasets.list(), []);
  assert.equal(registry.releases.newestId(), 0);
  registry.close();
  const again = openRegistryFile(path);
  assert.equal(again.prepare('SELECT hash FROM definitions').get()?.hash, 'abc');
  again.exec('PRAGMA user_version = 99');
  again.close();
  assert.throws(() => openRegistryFile(path), { code: 'newer_format' });
});
