import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { CrashError, MemoryDisk } from '../testing/memory-disk.ts';
import { checkWhole, entry, markOf, open } from './log.fixture.ts';
import { segmentPath } from './segment.ts';
import { readSegments } from './segment-reader.ts';

const note = (text: string) => ({ name: 'reader', text });

test('crash at every operation: an append is there as a whole with its note, or not at all', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    for (let operation = 1; ; operation++) {
      const label = `seed ${seed}, operation ${operation}`;
      const disk = new MemoryDisk(seededRandom(seed * 1000 + operation));
      disk.failAt({ atOperation: operation, fault: 'crash' });
      let [acknowledged, finished] = [0, false];
      try {
        const log = await open(disk, 400);
        for (let i = 1; i <= 8; i++) {
          const own = log.append([entry(2 * i, 0), entry(2 * i + 1, 1)], note(`${i}`));
          await Promise.all([own, log.append([entry(1000 + i, i % 2)])]);
          acknowledged = i;
        }
        finished = true;
      } catch (error) {
        assert.ok(error instanceof CrashError, label);
      }
      const log = await open(disk.afterCrash(), 400);
      const found = checkWhole([...log.read(0)]).filter((mark) => mark < 1000);
      const noted = Number(log.notes.texts.get('reader') ?? 0);
      assert.ok(noted >= acknowledged, label);
      const wanted = Array.from({ length: 2 * noted }, (_, i) => i + 2);
      assert.deepEqual(found, wanted, label);
      if (finished) break;
    }
  }
});

test('a tail that was torn inside an append is cut, and not shown to those outside', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk, 1 << 20);
  await log.append([entry(1)], note('one'));
  const whole = disk.size(segmentPath(1));
  await log.append([entry(2, 0), entry(3, 1)], note('two'));
  await log.close();
  for (let cut = disk.size(segmentPath(1)) - 1; cut >= whole; cut--) {
    disk.truncate(segmentPath(1), cut);
    assert.deepEqual([...readSegments(disk, 0)].map(markOf), [1], `cut at ${cut}`);
  }
  disk.truncate(segmentPath(1), whole);
  const again = await open(disk, 1 << 20);
  assert.equal(again.notes.texts.get('reader'), 'one');
  assert.deepEqual(checkWhole([...again.read(0)]), [1]);
});

test('notes outlive the segments that they were written in', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk, 300);
  await log.append([entry(1)], { name: 'quiet', text: 'kept' });
  for (let i = 2; i < 20; i++) await log.append([entry(i)], note(`${i}`));
  log.cutThrough(15);
  assert.ok(log.firstCommit > 10);
  await log.close();
  const again = await open(disk, 300);
  assert.deepEqual(
    [again.notes.texts.get('quiet'), again.notes.texts.get('reader')],
    ['kept', '19'],
  );
});
