import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { MarkedLetters } from './letter-mark.ts';

test('marks are the set of their ids', () => {
  const random = seededRandom(7);
  const marks = new MarkedLetters();
  const naive = new Set<string>();
  const anyId = () =>
    `2026-01-0${1 + random.below(3)}${random.pick(['', '.2'])}:${random.below(3_000)}`;
  for (let n = 0; n < 3_000; n++) {
    const [added, asked] = [anyId(), anyId()];
    marks.add(added);
    naive.add(added);
    assert.equal(marks.has(asked), naive.has(asked), asked);
    assert.ok(marks.has(added), added);
  }
});

test('what is no id marks nothing', () => {
  const marks = new MarkedLetters();
  for (const id of ['', 'x', '2026-01-01:', '2026-01-01:99999999999', ':1', '2026-01-01:-1']) {
    marks.add(id);
    assert.equal(marks.has(id), false, id);
  }
});
