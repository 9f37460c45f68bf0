import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import { CrashError, MemoryDisk } from '../testing/memory-disk.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import { Life, SimulatedTime } from '../testing/simulated-time.ts';
import { checkWhole, entry, open, produce } from './log.fixture.ts';
import { LOG_FOLDER, segmentPath } from './segment.ts';

test('a segment that a dead process had just made is durable before anything in it is', async () => {
  for (let operation = 1; operation <= 12; operation++) {
    const disk = new MemoryDisk(seededRandom(operation));
    disk.failAt({ atOperation: operation, fault: 'crash' });
    try {
      await produce(await open(disk), 0, 1);
    } catch (error) {
      assert.ok(error instanceof CrashError);
    }
    const killed = disk.afterKill();
    const { acknowledged } = await produce(await open(killed), 10, 2);
    const marks = checkWhole([...(await open(killed.afterCrash())).read(0)]);
    for (const mark of acknowledged) assert.ok(marks.includes(mark), `operation ${operation}`);
  }
});

test('the zeros of a torn header are no header, though the checksum of nothing is zero', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  await produce(log, 0, 3);
  await log.close();
  const torn = disk.read(segmentPath(1)).slice(0, 16).fill(0, 8);
  disk.replace(segmentPath(4), torn);
  const again = await open(disk);
  assert.equal(again.lastCommit, 3);
  assert.deepEqual((await produce(again, 10, 1)).acknowledged.length, 1);
});

test('segments are removed one by one, the oldest first, each for good', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk, 300);
  await produce(log, 0, 20);
  const before = disk.list(LOG_FOLDER).length;
  disk.syncs.length = 0;
  log.cutThrough(log.lastCommit);
  const removed = before - disk.list(LOG_FOLDER).length;
  assert.ok(removed > 2);
  assert.equal(disk.syncs.filter((path) => path === LOG_FOLDER).length, removed);
});

test('where all else is cut, a failed sync does not take the last segment with it', async () => {
  for (const after of [1, 2, 3, 4, 5]) {
    const disk = new MemoryDisk(seededRandom(after));
    const first = await open(disk);
    await produce(first, 0, 3);
    await first.close();
    // A restart with no room in the segment begins another, which then is all that is left.
    const log = await open(disk, 10);
    disk.failAt({ atOperation: disk.operations + 4 + after, fault: 'io', count: 100 });
    await produce(log, 10, 2);
    disk.failAt();
    log.cutThrough(3);
    const again = await open(disk.afterKill());
    assert.ok(again.lastCommit >= 3, `after ${after} operations`);
  }
});

/** Runs the work to its end, whatever it waits for. */
async function drive<T>(time: SimulatedTime, work: Promise<T>): Promise<T> {
  let isDone = false;
  const settled = work.finally(() => {
    isDone = true;
  });
  settled.catch(() => {});
  await time.run(() => isDone);
  return settled;
}

test('what is shown after a sync that failed is not taken for durable at the next start', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const time = new SimulatedTime(random, 0);
    let failing = 0;
    const faults = {
      next: (operation: string) => {
        if (failing === 0 || !['sync', 'replace'].includes(operation)) return 'none' as const;
        failing -= 1;
        return 'io' as const;
      },
      syncMs: () => 1,
    };
    const disk = new SimulatedDisk({ random, time, faults });
    const first = await drive(time, open(disk.mount(new Life())));
    const kept = (await drive(time, produce(first, 0, 2))).acknowledged;
    // The process dies before it can repair; the next start meets the failing disk too.
    failing = 1 + random.below(3);
    const life = new Life();
    const second = await drive(time, open(disk.mount(life))).catch(() => null);
    if (second !== null) await drive(time, produce(second, 10, 2));
    life.end();
    await drive(time, open(disk.mount(new Life()))).catch((error: unknown) => {
      assert.ok(error instanceof AsofError);
    });
    failing = 0;
    const third = await drive(time, open(disk.mount(new Life())));
    kept.push(...(await drive(time, produce(third, 20, 2))).acknowledged);
    disk.losePower();
    const last = await drive(time, open(disk.mount(new Life())));
    const marks = checkWhole([...last.read(0)]);
    for (const mark of kept) assert.ok(marks.includes(mark), `seed ${seed}: lost ${mark}`);
  }
});

test('a segment that could not be begun is gone before the log goes on', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new MemoryDisk(seededRandom(seed));
    const log = await open(disk, 400);
    await produce(log, 0, 2);
    // Too large for what is left of the segment; the next one, which is small, still fits.
    disk.failAt({ atOperation: disk.operations + 2, fault: 'io', count: 3 + (seed % 4) });
    await log.append([entry(10, 0, 20)]).catch(() => {});
    disk.failAt();
    for (let mark = 20; mark < 30; mark++) await log.append([entry(mark)]);
    for (const found of [disk.afterKill(), disk.afterCrash()]) {
      assert.equal((await open(found)).lastCommit, 12);
    }
  }
});
