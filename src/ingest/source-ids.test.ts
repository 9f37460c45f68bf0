import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { codes, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';

const rowsOf = (from: number, to: number, at = NOW_MS) =>
  Array.from({ length: to - from }, (_, i) => ({ at, id: `id-${from + i}` }));

for (const checkpointed of [true, false]) {
  test(`more or fewer partitions forget no id; ${checkpointed ? 'written down' : 'in the log'}`, async () => {
    let disk = new MemoryDisk(seededRandom(5));
    let known = 0;
    for (const partitions of [1, 4, 3, 7, 2, 1, 5]) {
      const { ingestor, log } = await start(disk, { schema: { ...SCHEMA, partitions } });
      const again = await ingestor.push('clicks', rowsOf(0, known));
      assert.deepEqual([again.accepted, again.rejected], [0, known], `${partitions} partitions`);
      const fresh = await ingestor.push('clicks', rowsOf(known, known + 40));
      assert.equal(fresh.accepted, 40);
      known += 40;
      for (const batch of log.read(0)) {
        if (batch.commit > again.commit) assert.ok(batch.partition < partitions);
      }
      if (checkpointed && partitions !== 7) log.cutThrough(ingestor.checkpoint());
      disk = disk.afterCrash();
    }
  });
}

test('with another number of partitions an id is free again when its horizon is over', async () => {
  const disk = new MemoryDisk(seededRandom(5));
  const limits = { idsKept: 5 };
  const first = await start(disk, { schema: { ...SCHEMA, partitions: 4 }, limits });
  await first.ingestor.push('clicks', rowsOf(0, 40));
  first.ingestor.checkpoint();
  const schema = { ...SCHEMA, partitions: 2 };
  const later = NOW_MS + SCHEMA.dedupeHorizonMs;
  const second = await start(disk.afterCrash(), { schema, limits, nowMs: later });
  const same = await second.ingestor.push('clicks', rowsOf(0, 40, later));
  assert.equal(same.rejected, 40);
  second.clock.advanceTo(later + 1);
  assert.equal((await second.ingestor.push('clicks', rowsOf(0, 40, later + 1))).accepted, 40);
  const last = await second.ingestor.push('clicks', rowsOf(0, 1, later + 1));
  assert.deepEqual(codes(last), ['duplicate']);
});
