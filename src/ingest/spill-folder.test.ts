import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDbSession } from './duckdb-session.ts';
import { createSpillFolder } from './spill-folder.ts';

test('two sessions over one parent spill apart, answer right, and leave nothing behind', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'asof-spill-'));
  const memoryBytes = 48 * 1024 * 1024;
  // A sort of 1.5 M wide rows does not fit into the memory given, so both sessions spill.
  const sql = `SELECT count(*), sum(k), min(nr), max(nr) FROM (
    SELECT *, row_number() OVER (ORDER BY h) AS nr FROM (
      SELECT range AS k, hash(range) AS h, repeat('x', 20) || range AS t FROM range(1500000)))`;
  const sessions = await Promise.all(
    [1, 2].map(() => DuckDbSession.open({ memoryBytes, spillFolder: parent, threads: 1 })),
  );
  assert.equal(readdirSync(parent).length, 2);
  const answers = await Promise.all(sessions.map((session) => session.rows(sql)));
  for (const session of sessions) session.close();
  const expected = [[1_500_000n, 1_124_999_250_000n, 1n, 1_500_000n]];
  assert.deepEqual(answers, [expected, expected]);
  assert.deepEqual(readdirSync(parent), []);
  rmSync(parent, { recursive: true });
});

test('the folder of a process that died is removed, that of a live one stays', () => {
  const parent = mkdtempSync(join(tmpdir(), 'asof-spill-'));
  // Process ids end at 2^22, so this one cannot be alive.
  const dead = join(parent, 'session-99999999-abc');
  mkdirSync(dead);
  writeFileSync(join(dead, 'spilled'), 'x');
  const own = createSpillFolder(parent);
  const second = createSpillFolder(parent);
  assert.equal(existsSync(dead), false);
  assert.deepEqual([existsSync(own), existsSync(second)], [true, true]);
  rmSync(parent, { recursive: true });
});
