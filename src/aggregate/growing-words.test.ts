import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrowingWords } from './growing-words.ts';

test('words grow in place and keep their content', () => {
  const slab = new GrowingWords(8);
  for (let length = 8; length < 3_000_000; length = Math.ceil(length * 1.7)) {
    slab.ensure(length);
    slab.words[length - 1] = length;
  }
  for (let length = 8; length < 3_000_000; length = Math.ceil(length * 1.7)) {
    assert.equal(slab.words[length - 1], length);
  }
});
