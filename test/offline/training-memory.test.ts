import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const ROWS = 50_000;
const MEMORY_MIB = 100;

/** What a process takes beside DuckDB's own memory: the runtime, code, buffers of files, its walk. */
const BESIDE_KIB = 380 * 1024;

interface Run {
  readonly rows: number;
  readonly maxRSS: number;
  readonly strategies: Readonly<Record<string, number>>;
}

function child(...args: readonly string[]): string {
  const path = join(import.meta.dirname, 'training-memory.child.ts');
  const node = ['--conditions=asof-source', path, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('a training set is built within its memory, and is the same to the byte', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-memory-'));
  try {
    child(folder, 'write', String(ROWS));
    const sum = (name: string): string =>
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
    const free: Run = JSON.parse(child(folder, '0', String(ROWS), '1'));
    const bounded: Run = JSON.parse(child(folder, String(MEMORY_MIB), String(ROWS), '2'));
    assert.deepEqual([free.rows, bounded.rows], [ROWS, ROWS]);
    assert.ok((bounded.strategies.sweep ?? 0) > 0 && (bounded.strategies.tiles ?? 0) > 0);
    const bound = MEMORY_MIB * 1024 + BESIDE_KIB;
    assert.ok(bounded.maxRSS < bound, `${bounded.maxRSS} KiB, ${free.maxRSS} without a limit`);
    assert.equal(sum(`out-${MEMORY_MIB}-2.parquet`), sum('out-0-1.parquet'));
    assert.deepEqual(readdirSync(join(folder, `spill-${MEMORY_MIB}`)), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
