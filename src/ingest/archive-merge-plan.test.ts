import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../base/limits.ts';
import type { ArchiveFile } from './archive-manifest.ts';
import { type MergePolicy, mergeGroups } from './archive-merge-plan.ts';

const TODAY: MergePolicy = {
  all: false,
  openFrom: '2026-01-02',
  rowsMax: Number.POSITIVE_INFINITY,
};

function fileAt(commit: number, rows: number, arrivalDate = '2026-01-02'): ArchiveFile {
  return {
    path: `archive/s/${commit}.parquet`,
    arrivalDate,
    first: { commit, offset: 0 },
    last: { commit, offset: rows },
    rows,
    bytes: rows,
    minEventTimeMs: 0,
    maxEventTimeMs: 0,
    minArrivalTimeMs: 0,
    maxArrivalTimeMs: 0,
    schema: 's',
  };
}

/** Merges as long as there is something to merge; answers the rows that were written again. */
function settle(files: ArchiveFile[], policy: MergePolicy): number {
  let written = 0;
  for (;;) {
    const [group] = mergeGroups(files, policy);
    if (group === undefined) return written;
    const rows = group.reduce((sum, file) => sum + file.rows, 0);
    written += rows;
    const [first] = group;
    assert.ok(first !== undefined && group.length > 1);
    const merged = { ...first, rows, last: group.at(-1)?.last ?? first.last };
    files.splice(files.indexOf(first), group.length, merged);
  }
}

test('a day that goes on keeps few files, and writes a row again a few times at most', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50_000 }),
      fc.integer({ min: 9, max: 1_440 }),
      (rows, n) => {
        const files: ArchiveFile[] = [];
        let written = 0;
        for (let commit = 1; commit <= n; commit += 1) {
          files.push(fileAt(commit, rows));
          written += settle(files, TODAY);
        }
        const total = rows * n;
        assert.equal(
          files.reduce((sum, file) => sum + file.rows, 0),
          total,
        );
        const tiers = Math.ceil(Math.log(Math.max(8, total)) / Math.log(8));
        assert.ok(files.length <= 8 * (tiers + 1), `${files.length} files`);
        assert.ok(written <= total * (tiers + 1), `${written / total} times`);
      },
    ),
    { numRuns: 30 },
  );
});

test('a day that is over becomes one file, or as few as rows allow; bounds are kept', () => {
  const past = [10, 20, 5].map((rows, i) => fileAt(i + 1, rows, '2026-01-01'));
  const open = [10, 20, 5].map((rows, i) => fileAt(i + 9, rows));
  assert.deepEqual(mergeGroups([...past, ...open], TODAY), [past]);
  assert.deepEqual(mergeGroups([...past, ...open], { ...TODAY, all: true }), [past, open]);
  assert.deepEqual(mergeGroups(past, { ...TODAY, rowsMax: 1 }), [past]);
  const both = mergeGroups([...past, ...open], { ...TODAY, all: true, rowsMax: 40 });
  assert.deepEqual(both, [past]);
  const large = [1, 2, 3].map((commit) => fileAt(commit, LIMITS.archiveFileRows / 2, '2026-01-01'));
  assert.deepEqual(mergeGroups(large, TODAY), [large.slice(0, 2)]);
  const other = { ...fileAt(2, 5, '2026-01-01'), schema: 'other' };
  assert.deepEqual(mergeGroups([fileAt(1, 5, '2026-01-01'), other], TODAY), []);
});
