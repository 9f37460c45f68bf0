import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fenwick } from './fenwick.ts';

test('sums over prefixes, and where they reach a number, are those of a plain array', () => {
  const tree = new Fenwick();
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 70 }),
      fc.array(fc.tuple(fc.nat(69), fc.nat(4)), { maxLength: 60 }),
      fc.array(fc.nat(120), { maxLength: 10 }),
      (size, changes, targets) => {
        tree.reset(size);
        const plain = Array.from({ length: size }, () => 0);
        for (const [at, change] of changes.filter(([at]) => at < size)) {
          const back = (plain[at] ?? 0) > 3 ? -3 : change;
          tree.add(at, back);
          plain[at] = (plain[at] ?? 0) + back;
        }
        const sum = (count: number): number => plain.slice(0, count).reduce((a, b) => a + b, 0);
        for (let count = 0; count <= size; count++) assert.equal(tree.prefix(count), sum(count));
        assert.equal(tree.total, sum(size));
        for (const target of targets.filter((one) => one > 0)) {
          const first = plain.findIndex((_, at) => sum(at + 1) >= target);
          assert.equal(tree.reaches(target), first);
        }
      },
    ),
    { numRuns: 300 },
  );
});
