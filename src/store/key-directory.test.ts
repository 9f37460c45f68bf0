import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyDirectory } from './key-directory.ts';

test('a key lives as long as a group uses it, and its id is used again', () => {
  const index = new KeyDirectory();
  const atlanta = index.add('ATL');
  index.use(atlanta);
  index.use(atlanta);
  index.release(atlanta);
  assert.equal(index.find('ATL'), atlanta);
  index.release(atlanta);
  assert.equal(index.find('ATL'), -1);
  assert.equal(index.size, 0);
  const denver = index.add('a key that is long enough to be a slice');
  assert.equal(denver, atlanta);
  assert.equal(index.keyOf(denver), 'a key that is long enough to be a slice');
});

test('keys that no group took into use are given back', () => {
  const index = new KeyDirectory();
  const used = index.add('used');
  const unused = index.add('unused');
  index.use(used);
  index.releaseUnused([used, unused]);
  assert.equal(index.find('used'), used);
  assert.equal(index.find('unused'), -1);
});

test('releasing more often than using is a defect', () => {
  const index = new KeyDirectory();
  assert.throws(() => index.release(index.add('k')), /as often as it is used/);
});
