import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { DeadLetters } from './dead-letters.ts';
import type { Letter } from './letter-line.ts';

const letter = (raw: string): Letter => ({
  arrivalTimeMs: 0,
  code: 'wrong_type',
  column: null,
  message: 'no',
  raw,
});

const rawsOf = (letters: DeadLetters): unknown[] => [...letters.list('s')].map(({ raw }) => raw);

test('nothing is written behind what a dead process left', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  await new DeadLetters(disk).append('s', [letter('a')]);
  const second = new DeadLetters(disk.afterKill());
  assert.deepEqual(rawsOf(second), ['a']);
  await second.append('s', [letter('b')]);
  await second.append('s', [letter('c')]);
  assert.deepEqual(
    [...second.list('s')].map(({ id }) => id),
    ['1970-01-01:1', '1970-01-01.2:1', '1970-01-01.2:2'],
  );
});

test('a letter is durable though the process died that had made its folder and file', async () => {
  for (let operation = 1; operation <= 8; operation++) {
    const disk = new MemoryDisk(seededRandom(operation));
    disk.failAt({ atOperation: operation, fault: 'crash' });
    await new DeadLetters(disk).append('s', [letter('a')]).catch(() => {});
    const killed = disk.afterKill();
    await new DeadLetters(killed).append('s', [letter('b')]);
    assert.ok(rawsOf(new DeadLetters(killed.afterCrash())).includes('b'), `${operation}`);
  }
});

test('a damaged mark costs that mark alone, and none that comes after it', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const first = new DeadLetters(disk);
  await first.append('s', [letter('a'), letter('b')]);
  const [a, b] = [...first.list('s')];
  assert.ok(a !== undefined && b !== undefined);
  await first.markReadmitted('s', [a]);
  first.close();
  const path = 'dead/s/readmitted.ndjson';
  disk.replace(path, new Uint8Array([...disk.read(path), ...new Uint8Array(7), 0x0a, 0, 0]));
  const second = new DeadLetters(disk);
  await second.markReadmitted('s', [b]);
  const third = new DeadLetters(disk.afterCrash());
  assert.deepEqual(
    [...third.list('s')].map(({ readmitted }) => readmitted),
    [true, true],
  );
});
