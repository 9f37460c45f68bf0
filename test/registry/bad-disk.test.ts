import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { sql } from 'kysely';
import { canonicalJson } from '../../src/plan/canonical.ts';
import { openDatabase } from '../../src/registry/open-database.ts';
import { Registry } from '../../src/registry/registry.ts';
import { projectOf } from './projects.ts';

const author = 'ada';
const clock = { nowMs: () => 5 };
const first = projectOf({ namespace: 'fraud', views: { a: 1 } });
const many = projectOf({
  namespace: 'fraud',
  views: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`v${i}`, 1])),
});

async function fileOf(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-registry-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const registry = await Registry.open({ kind: 'sqlite', path }, clock);
  await registry.apply({ plan: first, author });
  await registry.close();
  return path;
}

async function stillFirst(path: string): Promise<void> {
  const registry = await Registry.open({ kind: 'sqlite', path }, clock);
  assert.equal(canonicalJson((await registry.current())?.plan), canonicalJson(first));
  assert.equal(await registry.generation(), 1);
  await registry.close();
}

test('a disk that is full while applying: the old generation stays', async (t) => {
  const path = await fileOf(t);
  const db = await openDatabase({ kind: 'sqlite', path });
  const registry = Registry.over(db, clock);
  const { rows } = await sql<{ page_count: number }>`PRAGMA page_count`.execute(db);
  await sql.raw(`PRAGMA max_page_count = ${Number(rows[0]?.page_count) + 3}`).execute(db);
  await assert.rejects(registry.apply({ plan: many, author }), {
    code: 'disk_full',
    message: /nothing was changed/,
  });
  // The same connection goes on, as there is space again.
  await sql.raw('PRAGMA max_page_count = 100000').execute(db);
  assert.equal((await registry.apply({ plan: first, author })).generation, 1);
  await registry.close();
  await stillFirst(path);
});

test('a file that cannot be written is read, and says what to do', async (t) => {
  const path = await fileOf(t);
  const db = await openDatabase({ kind: 'sqlite', path });
  await sql.raw('PRAGMA query_only = 1').execute(db);
  const registry = Registry.over(db, clock);
  await assert.rejects(registry.apply({ plan: many, author }), {
    code: 'disk_failed',
    remedy: /can be written/,
  });
  assert.equal((await registry.current())?.generation, 1);
  await registry.close();
  await stillFirst(path);
});

test('a file that is locked is waited for, and nothing else waits meanwhile', async (t) => {
  const path = await fileOf(t);
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  const registry = await Registry.open({ kind: 'sqlite', path }, clock);
  let turns = 0;
  const ticking = setInterval(() => {
    turns += 1;
  }, 5);
  const shown = await registry.current();
  assert.equal(shown?.generation, 1, 'readers do not wait');
  await assert.rejects(registry.apply({ plan: many, author }), {
    code: 'registry_away',
    message: /locked by another process/,
  });
  clearInterval(ticking);
  assert.ok(turns > 50, `${turns}`);
  const waiting = registry.apply({ plan: many, author });
  setTimeout(() => other.exec('ROLLBACK'), 30);
  assert.equal((await waiting).generation, 2);
  other.close();
  await registry.close();
});

test('a damaged file is never taken for what it was', async (t) => {
  const path = await fileOf(t);
  const bytes = readFileSync(path);
  let refused = 0;
  for (let at = 100; at < bytes.length; at += 997) {
    const altered = Buffer.from(bytes);
    altered.fill(0xa5, at, at + 64);
    writeFileSync(path, altered);
    try {
      const registry = await Registry.open({ kind: 'sqlite', path }, clock);
      try {
        const current = await registry.current();
        // What is damaged may be in no use; what is used is what was written, or is refused.
        assert.equal(canonicalJson(current?.plan ?? null), canonicalJson(first));
      } finally {
        await registry.close();
      }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (code === 'ERR_ASSERTION') throw error;
      refused += 1;
      assert.match(
        code,
        /registry_damaged|unreadable_file|newer_format|disk_failed/,
        String(error),
      );
    }
    rmSync(`${path}-wal`, { force: true });
    rmSync(`${path}-shm`, { force: true });
  }
  assert.ok(refused > 5, `${refused}`);
});
