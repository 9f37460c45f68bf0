import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import { CrashError, type Fault, MemoryDisk } from '../testing/memory-disk.ts';
import { checkWhole, entry, hasCode, open, produce } from './log.fixture.ts';
import type { EventLog } from './log.ts';
import { segmentPath } from './segment.ts';

test('crash at every operation: acknowledged is readable, nothing is doubled', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    for (let operation = 1; ; operation++) {
      const label = `seed ${seed}, operation ${operation}`;
      const disk = new MemoryDisk(seededRandom(seed * 1000 + operation));
      disk.failAt({ atOperation: operation, fault: 'crash' });
      const kept: number[] = [];
      let finished = false;
      try {
        const log = await open(disk, 300);
        const { acknowledged } = await produce(log, 0, 12);
        kept.push(...acknowledged);
        finished = acknowledged.length === 12;
      } catch (error) {
        assert.ok(error instanceof CrashError, label);
      }
      const next = disk.afterCrash();
      const log = await open(next, 300);
      const marks = checkWhole([...log.read(0)]);
      for (const mark of kept) assert.ok(marks.includes(mark), `${label}: lost ${mark}`);
      const more = await produce(log, 100, 4);
      assert.equal(more.acknowledged.length, 4, label);
      const all = checkWhole([...log.read(0)]);
      assert.equal(all.length, marks.length + 4, label);
      if (finished) break;
    }
  }
});

for (const fault of ['full', 'io'] as const satisfies readonly Fault[]) {
  test(`${fault} at every operation: refused is absent, and later appends work`, async () => {
    for (let operation = 1; ; operation++) {
      const disk = new MemoryDisk(seededRandom(operation));
      const label = `operation ${operation}`;
      disk.failAt({ atOperation: operation, fault, count: 1 + (operation % 3) });
      let log: EventLog;
      try {
        log = await open(disk, 300);
      } catch {
        continue;
      }
      const { acknowledged, refused } = await produce(log, 0, 12);
      const reached = disk.operations >= operation;
      disk.failAt();
      const retried = await produce(log, 100, 4);
      assert.equal(retried.refused.length, 0, label);
      if (reached) assert.ok(refused.length > 0 || acknowledged.length === 12, label);
      const wanted = [...acknowledged, ...retried.acknowledged].sort((a, b) => a - b);
      const marks = checkWhole([...log.read(0)]).sort((a, b) => a - b);
      assert.deepEqual(marks, wanted, label);
      await log.close();
      for (const found of [disk.afterKill(), disk.afterCrash()]) {
        const again = await open(found, 300);
        assert.deepEqual(
          checkWhole([...again.read(0)]).sort((a, b) => a - b),
          wanted,
          label,
        );
      }
      if (!reached) break;
    }
  });
}

test('a full disk refuses, and takes events again once space is back', async () => {
  const disk = new MemoryDisk(seededRandom(5));
  const log = await open(disk, 1 << 20);
  await log.append([entry(1)]);
  disk.limitTo(0);
  await assert.rejects(log.append([entry(2), entry(3)]), hasCode('disk_full'));
  assert.equal(log.lastCommit, 1);
  disk.limitTo(1 << 20);
  const [batch] = await log.append([entry(4)]);
  assert.deepEqual([batch?.commit, batch?.firstOffset], [2, 1]);
  assert.deepEqual(checkWhole([...log.read(0)]), [1, 4]);
});

test('damage before the end is refused with file and offset, in any segment', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk, 600);
  for (let i = 0; i < 12; i++) await log.append([entry(i)]);
  await log.close();
  const files = disk.list('log').filter((name) => name.endsWith('.seg'));
  assert.ok(files.length >= 3);
  const last = files.at(-1) ?? '';
  for (const name of files) {
    const path = `log/${name}`;
    for (const offset of [2, 20, 60, 80]) {
      if (name === last && offset >= 60) continue;
      const damaged = disk.afterKill();
      damaged.corrupt(path, offset);
      await assert.rejects(open(damaged), (error) => {
        assert.ok(error instanceof AsofError);
        assert.equal(error.code, 'corrupt_log');
        assert.match(error.path ?? '', new RegExp(`^${path}:\\d+$`));
        return true;
      });
    }
  }
  const oneGroupBeforeTheEnd = disk.afterKill();
  oneGroupBeforeTheEnd.corrupt('log/0000000000000001.seg', 90);
  await assert.rejects(open(oneGroupBeforeTheEnd), hasCode('corrupt_log'));
});

test('a torn tail is cut and reported', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk, 1 << 20);
  await log.append([entry(1)]);
  await log.append([entry(2)]);
  await log.close();
  const path = segmentPath(1);
  disk.truncate(path, disk.size(path) - 3);
  const before = disk.read(path);
  const again = await open(disk, 1 << 20);
  assert.equal(again.recovery.tornPath, path);
  assert.ok(again.recovery.tornBytes > 10);
  const kept = disk.read('log/0000000000000001.torn');
  assert.equal(kept.length, again.recovery.tornBytes);
  assert.deepEqual(kept, before.slice(-kept.length), 'what was cut is kept aside');
  assert.deepEqual(checkWhole([...again.read(0)]), [1]);
});

test('a newer format is refused by name', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  await log.append([entry(1)]);
  await log.close();
  disk.corrupt(segmentPath(1), 4, 2);
  await assert.rejects(open(disk), hasCode('newer_format'));
});
