import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { catalogChunk, cutChunks, readChunk, rowsOfChunk } from './chunks.ts';
import { dayCondition, dayOfMs, dayOfText, dayText } from './event-days.ts';
import { readsByDay } from './file-ranges.ts';

const days = fc
  .uniqueArray(fc.record({ day: fc.nat(99), rows: fc.integer({ min: 1, max: 500 }) }), {
    selector: ({ day }) => day,
  })
  .map((list) => list.sort((a, b) => a.day - b.day));

test('chunks hold every day once, or every slice of it, and no more rows than fit', () => {
  fc.assert(
    fc.property(days, fc.integer({ min: 1, max: 300 }), (list, rowsMax) => {
      const chunks = cutChunks(list, rowsMax);
      const held = new Map<number, number>();
      for (const [index, chunk] of chunks.entries()) {
        assert.equal(chunk.chunk, index + 1);
        assert.ok(rowsOfChunk(chunk) <= rowsMax);
        for (const { day } of chunk.days) {
          held.set(day, (held.get(day) ?? 0) + 1 / (chunk.slice?.of ?? 1));
        }
      }
      assert.deepEqual(
        [...held.keys()].sort((a, b) => a - b),
        list.map(({ day }) => day),
      );
      for (const share of held.values()) assert.ok(Math.abs(share - 1) < 1e-9);
      // No two chunks that follow one another would fit into one.
      for (const [index, chunk] of chunks.entries()) {
        const next = chunks[index + 1];
        if (next === undefined || chunk.slice !== null || next.slice !== null) continue;
        assert.ok(rowsOfChunk(chunk) + (next.days[0]?.rows ?? 0) > rowsMax);
      }
    }),
    { numRuns: 300 },
  );
});

test('a chunk is read from the catalog as it was noted, and nothing else is taken for one', () => {
  const plan = { chunk: 3, days: [{ day: 5, rows: 9 }], slice: { index: 1, of: 2 } };
  const file = { day: 5, path: 'p', rows: 2, events: 4, bytes: 8, checksum: 'c' };
  const noted = catalogChunk(plan, 'done', 2, [file, file]);
  assert.deepEqual([noted.rowsIn, noted.rowsOut, noted.bytes], [8, 4, 16]);
  assert.deepEqual(readChunk(noted), { plan, files: [file, file] });
  for (const details of [
    {},
    { days: [{}], slice: null, files: [] },
    { ...noted.details, slice: 1 },
  ]) {
    assert.equal(readChunk({ ...noted, details }), null);
  }
});

test('days have names, and become as few ranges as there are gaps', () => {
  assert.equal(dayText(20_463), '2026-01-10');
  assert.equal(dayOfText('2026-01-10'), 20_463);
  assert.equal(dayOfMs(20_464 * 86_400_000 - 1), 20_463);
  assert.equal(
    dayCondition([1, 2, 4]),
    '((__event_time >= 86400000 AND __event_time < 259200000) OR ' +
      '(__event_time >= 345600000 AND __event_time < 432000000))',
  );
  assert.equal(dayCondition([]), '(FALSE)');
});

test('a row is read as often as its file has days that are asked for', () => {
  const file = (rows: number, from: number, through: number) => ({
    rows,
    minEventTimeMs: from * 86_400_000,
    maxEventTimeMs: through * 86_400_000 + 1,
  });
  assert.equal(readsByDay([file(10, 1, 1), file(30, 2, 2)], [1, 2, 3]), 1);
  assert.equal(readsByDay([file(10, 1, 1), file(30, 1, 3)], [1, 2, 3]), 2.5);
  assert.equal(readsByDay([file(10, 8, 9)], [1]), 1);
  assert.equal(readsByDay([], [1]), 1);
});
