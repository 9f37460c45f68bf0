import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { codes, hasCode, idsIn, NOW_MS, start } from './ingestor.fixture.ts';

const row = (id: string) => [{ at: NOW_MS, id }];

test('a duplicate is answered only once its original cannot be lost any more', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const disk = new MemoryDisk(seededRandom(seed));
    const { ingestor } = await start(disk);
    // The first is being flushed while the second still gathers.
    const before = ingestor.push('clicks', row('first'));
    const original = ingestor.push('clicks', row('second'));
    let survivors: MemoryDisk | null = null;
    const again = ingestor.push('clicks', row('second')).then((result) => {
      survivors = disk.afterCrash();
      return result;
    });
    assert.deepEqual(codes(await again), ['duplicate']);
    await Promise.all([before, original]);
    assert.ok(survivors !== null);
    const { log } = await start(survivors);
    assert.ok(idsIn(log).includes('second'), `seed ${seed}: answered and lost`);
  }
});

test('what repeats an event that could not be made durable is no duplicate', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const { ingestor, log } = await start(disk);
  await ingestor.push('clicks', row('zero'));
  const before = ingestor.push('clicks', row('first'));
  const original = ingestor.push('clicks', row('second'));
  const again = ingestor.push('clicks', row('second'));
  // Only the group of the second fails.
  ingestor.onCommitted = () => disk.limitTo(0);
  await before;
  await assert.rejects(original, hasCode('disk_full'));
  await assert.rejects(again, hasCode('disk_full'));
  disk.limitTo(1 << 20);
  assert.equal((await ingestor.push('clicks', row('second'))).accepted, 1);
  assert.deepEqual(idsIn(log).sort(), ['first', 'second', 'zero']);
});

test('ids are written down for a cut only where a whole segment can go', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const { ingestor, log } = await start(disk);
  const written = (): number => disk.syncs.filter((path) => path === 'log/ids.bin').length;
  let snapshots = 0;
  for (let i = 0; i < 200; i++) {
    await ingestor.push('clicks', row(`n${i}`));
    const before = log.firstCommit;
    const wanted = log.sealedCommit >= before;
    ingestor.checkpointForCut();
    log.cutThrough(log.lastCommit);
    if (wanted) snapshots += 1;
    assert.equal(log.firstCommit > before, wanted);
    assert.equal(written(), snapshots);
  }
  assert.ok(snapshots > 2 && snapshots < 20, `${snapshots} snapshots`);
  const again = await start(disk.afterCrash());
  for (let i = 0; i < 200; i += 7) {
    assert.deepEqual(codes(await again.ingestor.push('clicks', row(`n${i}`))), ['duplicate']);
  }
});
