import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryRows } from '../../src/store/rows/memory-rows.ts';
import { Tally } from '../conformance/tally.ts';
import { runReplica } from './replica-run.ts';

const CASES = Number(process.env.ASOF_REPLICA_CASES ?? 20);
const FIRST = Number(process.env.ASOF_REPLICA_SEED ?? 1);

for (const isSlow of [false, true]) {
  const how = isSlow ? 'over a network' : 'at once';
  test(`a store of the keys that are read gives no wrong value, ${how}`, async () => {
    const tally = new Tally();
    for (let seed = FIRST; seed < FIRST + CASES; seed++) {
      const folder = mkdtempSync(join(tmpdir(), 'asof-selective-'));
      const rows = new MemoryRows();
      try {
        const store = { writer: rows, reader: rows };
        await runReplica({ seed, folder, tally, ...store, isSlow, isSelective: true });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      assert.deepEqual(tally.takeMismatches(), [], `seed ${seed}`);
    }
    const covered = (what: string): number => tally.covered.get(what) ?? 0;
    assert.ok(covered('rows from the primary') > CASES, 'the primary was asked');
    assert.ok(covered('an answer of a store of some keys') > 0, 'and then not any more');
    assert.ok(covered('a row that could not be had') > 0, 'the primary was away');
  });
}
