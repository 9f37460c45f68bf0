import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { DeadLetters } from './dead-letters.ts';
import type { Letter } from './letter-line.ts';

const DAY_MS = 86_400_000;
const letter = (raw: string, day = 0): Letter => ({
  arrivalTimeMs: day * DAY_MS,
  code: 'wrong_type',
  column: null,
  message: 'no',
  raw,
});

/** Refuses to hand out a file as a whole, as one larger than memory would. */
class SmallReads extends MemoryDisk {
  override read(path: string): never {
    throw new Error(`${path} was read as a whole`);
  }

  override readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
    assert.ok(length <= LIMITS.letterBlockBytes);
    return super.readAt(path, offset, length);
  }
}

test('a day goes on in further parts; ids, counts and marks outlive a restart', async () => {
  const disk = new SmallReads(seededRandom(1));
  const first = new DeadLetters(disk, 300);
  for (let n = 0; n < 30; n++) await first.append('s', [letter(`row ${n}`, n < 25 ? 1 : 0)]);
  const files = disk.list('dead/s');
  assert.ok(files.includes('1970-01-02.ndjson') && files.includes('1970-01-02.5.ndjson'));
  for (const file of files) assert.ok(disk.size(`dead/s/${file}`) < 450, file);
  const all = [...first.list('s')];
  assert.deepEqual(
    all.map(({ raw }) => raw),
    [...[25, 26, 27, 28, 29], ...Array.from({ length: 25 }, (_, n) => n)].map((n) => `row ${n}`),
  );
  assert.equal(new Set(all.map(({ id }) => id)).size, 30);
  assert.equal(all[5]?.id, '1970-01-02:1');
  await first.markReadmitted('s', all.slice(4, 12));
  const second = new DeadLetters(disk, 300);
  assert.deepEqual(second.count('s'), [
    { source: 's', code: 'wrong_type', count: 30, readmitted: 8 },
  ]);
  const again = [...second.list('s')];
  assert.deepEqual(
    again.map(({ id, raw }) => [id, raw]),
    all.map(({ id, raw }) => [id, raw]),
  );
  for (const limit of [0, 1, 7, 30, 31]) {
    assert.deepEqual(second.newest('s', limit), again.toReversed().slice(0, limit));
  }
});

test('letters larger than a block are read, and a torn tail is cut', async () => {
  const disk = new SmallReads(seededRandom(1));
  const long = 'é'.repeat(LIMITS.letterBlockBytes);
  const first = new DeadLetters(disk);
  await first.append('s', [letter('short'), letter(long), letter('last')]);
  const size = disk.size('dead/s/1970-01-01.ndjson');
  disk.openAppend('dead/s/1970-01-01.ndjson').append(new TextEncoder().encode(long));
  const second = new DeadLetters(disk);
  assert.deepEqual(
    second.newest('s', 2).map(({ raw }) => raw),
    ['last', long],
  );
  assert.equal(disk.size('dead/s/1970-01-01.ndjson'), size);
});

test('an answer of very long letters is cut short', async () => {
  const letters = new DeadLetters(new MemoryDisk(seededRandom(1)));
  const long = 'x'.repeat(LIMITS.letterAnswerChars / 2);
  await letters.append('s', [letter(long), letter(long), letter('last')]);
  assert.equal(letters.newest('s', 10).length, 2);
});

test('letters of old days go, and how many there were stays known, also after a restart', async () => {
  const disk = new MemoryDisk(seededRandom(4));
  const letters = new DeadLetters(disk);
  const day = (at: string, code: Letter['code']): Letter => ({
    ...letterOf(code),
    arrivalTimeMs: Date.parse(at),
  });
  await letters.append('s', [day('2026-01-01T10:00:00Z', 'too_late')]);
  await letters.append('s', [day('2026-01-02T10:00:00Z', 'wrong_type')]);
  const [first] = letters.newest('s', 10, { code: 'too_late' });
  assert.ok(first !== undefined);
  await letters.markReadmitted('s', [first]);
  // The first call hides them, the next one removes what nobody can be reading any more.
  assert.deepEqual(letters.removeBefore('s', '2026-01-02'), []);
  assert.deepEqual(disk.list('dead/s').filter((name) => name.startsWith('2026')).length, 2);
  assert.deepEqual(
    [...letters.list('s')].map(({ code }) => code),
    ['wrong_type'],
  );
  assert.deepEqual(letters.removeBefore('s', '2026-01-02'), ['dead/s/2026-01-01.ndjson']);
  const counts = [
    { source: 's', code: 'too_late', count: 1, readmitted: 1 },
    { source: 's', code: 'wrong_type', count: 1, readmitted: 0 },
  ];
  assert.deepEqual(letters.count('s'), counts);
  letters.close();
  const again = new DeadLetters(disk);
  const byCode = again.count('s').toSorted((a, b) => (a.code < b.code ? -1 : 1));
  assert.deepEqual(byCode, counts);
  assert.deepEqual(again.removeBefore('s', '2026-02-01', true), ['dead/s/2026-01-02.ndjson']);
  assert.deepEqual([...again.list('s')], []);
  await again.append('s', [day('2026-01-03T10:00:00Z', 'too_late')]);
  assert.equal(again.count('s').find(({ code }) => code === 'too_late')?.count, 2);
});

function letterOf(code: Letter['code']): Letter {
  return { arrivalTimeMs: 0, code, column: null, message: 'm', raw: '{}' };
}
