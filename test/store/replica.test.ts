import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryRows } from '../../src/store/rows/memory-rows.ts';
import { Tally } from '../conformance/tally.ts';
import { runReplica } from './replica-run.ts';

const CASES = Number(process.env.ASOF_REPLICA_CASES ?? 25);
const FIRST = Number(process.env.ASOF_REPLICA_SEED ?? 1);

for (const isSlow of [false, true]) {
  const how = isSlow ? 'over a network' : 'at once';
  test(`what a replica reads ${how} is the naive value, at its own position`, async () => {
    const tally = new Tally();
    for (let seed = FIRST; seed < FIRST + CASES; seed++) {
      const folder = mkdtempSync(join(tmpdir(), 'asof-replica-'));
      const rows = new MemoryRows();
      try {
        await runReplica({ seed, folder, tally, writer: rows, reader: rows, isSlow });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      assert.deepEqual(tally.takeMismatches(), [], `seed ${seed}`);
    }
    const covered = (what: string): number => tally.covered.get(what) ?? 0;
    assert.ok(covered('an answer of a replica') > CASES, 'answers were compared');
    assert.ok(covered('an answer that is behind') > 0, 'some were behind');
    assert.ok(covered('a restart of the publisher') > 0, 'publishers were restarted');
  });
}
