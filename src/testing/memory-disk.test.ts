import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import { CrashError, MemoryDisk } from './memory-disk.ts';

const bytes = new Uint8Array([1, 2, 3]);

test('a file lies in a folder that was made, and is lost with a folder that was not synced', () => {
  const disk = new MemoryDisk(seededRandom(1));
  assert.throws(() => disk.replace('dead/clicks/x', bytes), AsofError);
  // Two folders are made, and power fails before the inner one is synced in the outer one.
  disk.failAt({ atOperation: 4, fault: 'io' });
  assert.throws(() => disk.makeFolder('dead/clicks'), AsofError);
  disk.replace('dead/clicks/x', bytes);
  disk.replace('dead/y', bytes);
  const lost = disk.afterCrash();
  assert.equal(lost.exists('dead/clicks/x'), false);
  assert.equal(lost.exists('dead/y'), true);
  assert.equal(disk.afterKill().exists('dead/clicks/x'), true);
  // Made once more, it is synced after all.
  disk.makeFolder('dead/clicks');
  assert.equal(disk.afterCrash().exists('dead/clicks/x'), true);
});

test('folders cost operations once, and a crash can come between', () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.makeFolder('log');
  assert.equal(disk.operations, 2);
  disk.makeFolder('log');
  assert.equal(disk.operations, 2);
  disk.failAt({ atOperation: 3, fault: 'crash' });
  assert.throws(() => disk.makeFolder('archive'), CrashError);
});
