import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowSet } from './row-set.ts';

test('a row set drains what was added, ascending, whether sparse or dense', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(2000), { maxLength: 300 }), { maxLength: 5 }),
      (rounds) => {
        const set = new RowSet();
        set.cover(2001);
        for (const rows of rounds) {
          for (const row of rows) set.add(row);
          const expected = [...new Set(rows)].sort((a, b) => a - b);
          assert.equal(set.size, expected.length);
          assert.deepEqual([...set.drain()], expected);
          assert.equal(set.size, 0);
          assert.ok(!set.flags.includes(1));
        }
      },
    ),
    { numRuns: 60 },
  );
});
