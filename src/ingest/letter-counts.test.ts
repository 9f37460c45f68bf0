import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { DeadLetters, type LetterCount } from './dead-letters.ts';
import type { Letter } from './letter-line.ts';

const CODES = ['too_late', 'wrong_type', 'duplicate'] as const;
const DAY_MS = 86_400_000;
const PART_BYTES = 600;

const letter = (code: Letter['code'], day: number, raw = 'row'): Letter => ({
  arrivalTimeMs: day * DAY_MS,
  code,
  column: null,
  message: 'no',
  raw,
});

/** From the letters themselves. */
function naive(letters: DeadLetters): LetterCount[] {
  const counts = new Map<string, LetterCount>();
  for (const { code, readmitted } of letters.list('s')) {
    const before = counts.get(code) ?? { source: 's', code, count: 0, readmitted: 0 };
    const more = readmitted ? 1 : 0;
    counts.set(code, { ...before, count: before.count + 1, readmitted: before.readmitted + more });
  }
  return [...counts.values()].sort(byCode);
}

const byCode = (a: LetterCount, b: LetterCount): number => (a.code < b.code ? -1 : 1);

test('counts are those of the letters, through marks, parts, ends, kills and lost indexes', async () => {
  const random = seededRandom(3);
  let disk = new MemoryDisk(random);
  let letters = new DeadLetters(disk, PART_BYTES);
  for (let step = 0; step < 300; step++) {
    const what = random.below(12);
    if (what < 7) {
      const made = Array.from({ length: 1 + random.below(4) }, () =>
        letter(random.pick(CODES), random.below(3)),
      );
      const more = letters.append('s', [letter('too_late', 1)]);
      await Promise.all([letters.append('s', made), more]);
    } else if (what < 9) {
      const open = [...letters.list('s', { open: true, limit: 3 })];
      await letters.markReadmitted('s', [...open, ...open]);
    } else if (what === 9) {
      letters.close();
      letters = new DeadLetters(disk, PART_BYTES);
    } else {
      disk = disk.afterKill();
      const path = 'dead/s/counts.json';
      if (random.below(4) === 0 && disk.exists(path)) disk.replace(path, new Uint8Array([0x7b]));
      letters = new DeadLetters(disk, PART_BYTES);
    }
    assert.deepEqual(letters.count('s').sort(byCode), naive(letters), `step ${step}`);
  }
});

/** Counts the bytes that are read of letters. */
class ReadCounter extends MemoryDisk {
  letterBytes = 0;

  override readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.letterBytes += length;
    return super.readAt(path, offset, length);
  }
}

test('a start reads what came after the last count alone, and much of it in the background', async () => {
  const disk = new ReadCounter(seededRandom(1));
  const first = new DeadLetters(disk);
  const long = 'x'.repeat(10_000);
  const many = Array.from({ length: 500 }, () => letter('wrong_type', 0, long));
  await first.append('s', many);
  first.close();
  disk.letterBytes = 0;
  const second = new DeadLetters(disk);
  assert.deepEqual(second.count('s'), [
    { source: 's', code: 'wrong_type', count: 500, readmitted: 0 },
  ]);
  assert.ok(disk.letterBytes <= 4_096, `${disk.letterBytes} bytes were read`);
  disk.remove('dead/s/counts.json');
  disk.letterBytes = 0;
  const third = new DeadLetters(disk);
  assert.deepEqual(third.count('s'), []);
  assert.ok(disk.letterBytes <= LIMITS.letterBlockBytes + 4_096);
  await third.append('s', [letter('too_late', 0), letter('wrong_type', 1)]);
  assert.deepEqual((await third.counted('s')).sort(byCode), naive(third));
  assert.ok(disk.exists('dead/s/counts.json'), 'the next start need not count again');
});

test('marks of before, which lack a reason, are counted once by their letters', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const first = new DeadLetters(disk);
  await first.append('s', [letter('too_late', 0), letter('wrong_type', 0), letter('too_late', 0)]);
  const marks = disk.openAppend('dead/s/readmitted.ndjson');
  marks.append(new TextEncoder().encode('"1970-01-01:1"\n'));
  const second = new DeadLetters(disk);
  assert.deepEqual(second.count('s').sort(byCode), naive(second));
  assert.deepEqual(naive(second)[0], { source: 's', code: 'too_late', count: 2, readmitted: 1 });
  await second.markReadmitted('s', [...second.list('s', { open: true, limit: 1 })]);
  second.close();
  const third = new DeadLetters(disk);
  assert.deepEqual(third.count('s').sort(byCode), naive(second));
});

test('letters are found by reason, time and id, the oldest or the newest first', async () => {
  const letters = new DeadLetters(new MemoryDisk(seededRandom(1)), PART_BYTES);
  const made = Array.from({ length: 60 }, (_, n) => ({
    ...letter(CODES[n % 3] ?? 'too_late', 0, `row ${n}`),
    arrivalTimeMs: n * (DAY_MS / 20),
  }));
  for (const one of made) await letters.append('s', [one]);
  const fromMs = 0.7 * DAY_MS;
  const toMs = 2.2 * DAY_MS;
  const meant = made
    .filter(({ code, arrivalTimeMs: at }) => code === 'duplicate' && at >= fromMs && at < toMs)
    .map(({ raw }) => raw);
  const filter = { code: 'duplicate', fromMs, toMs };
  const found = [...letters.list('s', filter)];
  assert.deepEqual(
    found.map(({ raw }) => raw),
    meant,
  );
  assert.deepEqual(letters.newest('s', 4, filter), found.toReversed().slice(0, 4));
  const [one] = found;
  assert.ok(one !== undefined);
  assert.deepEqual([...letters.list('s', { id: one.id })], [one]);
  assert.deepEqual(letters.newest('s', 9, { id: one.id }), [one]);
  assert.deepEqual([...letters.list('s', { id: '1970-01-09:1' })], []);
});
