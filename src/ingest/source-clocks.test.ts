import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';

type World = Awaited<ReturnType<typeof start>>;

const report = ({ ingestor }: World) => {
  const found = ingestor.lateness('clicks', [12_345]);
  assert.ok(found !== null);
  return found;
};

test('lateness and skew are those of a naive count, over restarts and crashes', async () => {
  const random = seededRandom(7);
  let disk = new MemoryDisk(random);
  let world = await start(disk);
  const late: number[] = [];
  const ahead: number[] = [];
  let fromTheFuture = 0;
  for (let n = 0; n < 60; n++) {
    world.clock.advanceTo(NOW_MS + n * 2_500);
    const nowMs = world.clock.nowMs();
    const rows = Array.from({ length: 1 + random.below(20) }, (_, i) => ({
      at: nowMs - random.below(80_000) + random.below(4_000),
      id: `${n}/${i}`,
    }));
    const taken = rows.filter(({ at }) => Math.abs(nowMs - at) <= 1_000);
    const body = [...rows, ...taken, 7];
    const { rows: refused } = await world.ingestor.push('clicks', body);
    assert.ok(refused.some(({ code }) => code === 'not_an_object'));
    const counted = rows.map(({ at }) => nowMs - at);
    late.push(...counted.filter((ms) => ms >= -1_000).map((ms) => Math.max(0, ms)));
    ahead.push(...counted.filter((ms) => ms < 0).map((ms) => -ms));
    fromTheFuture += counted.filter((ms) => ms < -1_000).length;
    if (n % 7 === 3) {
      world.ingestor.close();
      world = await start(disk, { nowMs: world.clock.nowMs() });
    } else if (n % 7 === 6) {
      // What is refused after the last writing may be lost by a kill; what is accepted never.
      world.ingestor.checkpoint();
      const id = `kill/${n}`;
      await world.ingestor.push('clicks', [{ at: nowMs - 5, id }]);
      late.push(5);
      disk = disk.afterKill();
      world = await start(disk, { nowMs: world.clock.nowMs() });
    }
  }
  const { lateness, skew, losses } = report(world);
  const sorted = late.toSorted((a, b) => a - b);
  assert.deepEqual([lateness.events, lateness.maxMs], [late.length, sorted.at(-1)]);
  const exact = sorted[Math.ceil(late.length * 0.99) - 1] ?? 0;
  assert.ok(lateness.p99Ms !== null && lateness.p99Ms >= exact && lateness.p99Ms <= exact * 1.016);
  assert.deepEqual(
    [skew.events, skew.ahead, skew.maxMs],
    [late.length + fromTheFuture, ahead.length, Math.max(...ahead)],
  );
  assert.ok(losses.some(({ allowedMs }) => allowedMs === 12_345));
  for (const { allowedMs, atLeast, atMost } of losses) {
    const lost = late.filter((ms) => ms > allowedMs).length;
    assert.ok(atLeast <= lost && lost <= atMost);
    if (allowedMs !== 12_345) assert.equal(atLeast, lost, `${allowedMs} ms`);
  }
});

test('a watermark follows accepted events, not the future, and idle partitions do not hold it', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const schema = { ...SCHEMA, id: null };
  let world = await start(disk, { schema });
  const lag = SCHEMA.allowedLatenessMs;
  const push = (at: number) => world.ingestor.push('clicks', [{ at }]);
  const marks = () => {
    const { watermarkMs, partitions } = report(world);
    return [watermarkMs, ...partitions.map((one) => one.watermarkMs)];
  };
  assert.deepEqual(marks(), [null, null, null]);
  // Events without an id go to the partitions in turn: 1, 0, 1, …
  await push(NOW_MS - 500);
  await push(NOW_MS - 10);
  assert.deepEqual(marks(), [NOW_MS - 500 - lag, NOW_MS - 10 - lag, NOW_MS - 500 - lag]);
  await push(NOW_MS + 900);
  assert.equal(marks()[2], NOW_MS - lag, 'an event ahead of its arrival counts as arriving');
  const { rejected } = await push(NOW_MS + 3_600_000);
  assert.equal(rejected, 1);
  assert.deepEqual(marks(), [NOW_MS - 10 - lag, NOW_MS - 10 - lag, NOW_MS - lag]);
  const laterMs = NOW_MS + LIMITS.idlePartitionMs + 1;
  world.clock.advanceTo(laterMs);
  await push(laterMs - 7);
  assert.deepEqual(marks(), [laterMs - 7 - lag, NOW_MS - 10 - lag, laterMs - 7 - lag]);
  assert.deepEqual(
    report(world).partitions.map(({ idle }) => idle),
    [true, false],
  );
  world.ingestor.close();
  world = await start(disk, { schema, nowMs: laterMs });
  assert.deepEqual(marks(), [laterMs - 7 - lag, NOW_MS - 10 - lag, laterMs - 7 - lag]);
  await push(laterMs - 90);
  await push(laterMs - 80);
  assert.equal(marks()[0], laterMs - 7 - lag, 'it never goes back');
});

test('a damaged file of clocks is begun anew', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const world = await start(disk);
  await world.ingestor.push('clicks', [{ at: NOW_MS, id: 'a' }]);
  world.ingestor.close();
  const bytes = disk.read('log/clocks.bin');
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  disk.replace('log/clocks.bin', bytes);
  const next = await start(disk);
  assert.equal(report(next).lateness.events, 0);
  await next.ingestor.push('clicks', [{ at: NOW_MS, id: 'b' }]);
  assert.equal(report(next).lateness.events, 1);
});
