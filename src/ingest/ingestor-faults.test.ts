import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { CrashError, MemoryDisk } from '../testing/memory-disk.ts';
import { codes, hasCode, idsIn, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';

const memory = (seed = 1): MemoryDisk => new MemoryDisk(seededRandom(seed));

test('dead letters survive a restart, are counted, and can be taken again after a fix', async () => {
  const disk = memory();
  const first = await start(disk);
  const late = `{"at":${NOW_MS - 60_001},"id":"late"}`;
  await first.ingestor.push('clicks', `${late}\n{"at":${NOW_MS},"id":"x"}\n{"bad"`);
  assert.deepEqual(first.ingestor.letters.count('clicks'), [
    { source: 'clicks', code: 'too_late', count: 1, readmitted: 0 },
    { source: 'clicks', code: 'malformed_json', count: 1, readmitted: 0 },
  ]);
  const wider = { ...SCHEMA, allowedLatenessMs: 3_600_000 };
  const second = await start(disk.afterCrash(), { schema: wider });
  assert.equal(second.ingestor.letters.count('clicks').length, 2);
  const [letter] = second.ingestor.letters.list('clicks');
  assert.deepEqual([letter?.code, letter?.raw], ['too_late', late]);
  const answer = await second.ingestor.readmit('clicks');
  assert.deepEqual([answer.tried, answer.accepted], [2, 1]);
  assert.equal(answer.refused[0]?.code, 'malformed_json');
  assert.deepEqual(idsIn(second.log).sort(), ['late', 'x']);
  const again = await second.ingestor.readmit('clicks', { code: 'too_late' });
  assert.equal(again.tried, 0);
  const third = await start((second.disk as MemoryDisk).afterCrash());
  assert.deepEqual(third.ingestor.letters.count('clicks')[0]?.readmitted, 1);
  assert.equal([...third.ingestor.letters.list('clicks', { open: true })].length, 1);
});

test('a full disk takes nothing and blames nothing: the same rows are accepted later', async () => {
  const disk = memory();
  const { ingestor, log } = await start(disk);
  await ingestor.push('clicks', [{ at: NOW_MS, id: 'a' }]);
  disk.limitTo(0);
  const pushes = ['b', 'c', 'b'].map((id) => ingestor.push('clicks', [{ at: NOW_MS, id }]));
  for (const push of pushes) await assert.rejects(push, hasCode('disk_full'));
  disk.limitTo(1 << 20);
  const result = await ingestor.push('clicks', [
    { at: NOW_MS, id: 'b' },
    { at: NOW_MS, id: 'c' },
    { at: NOW_MS, id: 'a' },
  ]);
  assert.deepEqual(codes(result), ['duplicate']);
  assert.deepEqual(idsIn(log).sort(), ['a', 'b', 'c']);
});

test('a push that fails half way names every row that was not taken', async () => {
  const disk = memory();
  const { ingestor, log } = await start(disk, { limits: { eventsPerCommit: 10 } });
  const rows = Array.from({ length: 60 }, (_, i) => ({ at: NOW_MS, id: `row-${i}` }));
  let left = 2;
  ingestor.onCommitted = () => {
    left -= 1;
    if (left === 0) disk.limitTo(0);
  };
  const result = await ingestor.push('clicks', rows);
  assert.ok(result.accepted > 0 && result.rejected > 0);
  assert.equal(result.accepted + result.rejected, 60);
  assert.ok(codes(result).every((code) => code === 'disk_full'));
  const refused = new Set(result.rows.map(({ row }) => `row-${row}`));
  const taken = rows.map(({ id }) => id).filter((id) => !refused.has(id));
  assert.deepEqual(idsIn(log).sort(), taken.sort());
});

test('too many ids in the horizon is backpressure, never a false verdict', async () => {
  const { ingestor, clock } = await start(memory(), {
    schema: { ...SCHEMA, partitions: 1 },
    limits: { ids: 3, idsKept: 1 },
  });
  const push = (...ids: string[]) =>
    ingestor.push(
      'clicks',
      ids.map((id) => ({ at: clock.nowMs(), id })),
    );
  assert.deepEqual(codes(await push('a', 'b', 'c', 'd', 'a')), ['overloaded', 'duplicate']);
  assert.deepEqual(
    ingestor.letters.count('clicks').map(({ code }) => code),
    ['duplicate'],
  );
  clock.advanceTo(NOW_MS + 10_001);
  assert.equal((await push('d', 'a')).accepted, 2);
});

test('the arrival stamp never runs back, not over a restart either', async () => {
  const disk = memory();
  const first = await start(disk);
  await first.ingestor.push('clicks', [{ at: NOW_MS, id: 'a' }]);
  await first.log.close();
  const second = await start(disk, { nowMs: NOW_MS - 5_000 });
  await second.ingestor.push('clicks', [
    { at: NOW_MS, id: 'z' },
    { at: NOW_MS, id: 'a' },
  ]);
  for (const batch of second.log.read(1)) {
    const earlier = [...second.log.read(0)].find(({ commit }) => commit === 1);
    if (earlier?.partition === batch.partition) assert.equal(batch.arrivalTimeMs[0], NOW_MS);
  }
});

test('the log is cut only as far as ids are written down, and they outlive the cut', async () => {
  const disk = memory();
  const { ingestor, log } = await start(disk);
  for (let i = 0; i < 100; i++) await ingestor.push('clicks', [{ at: NOW_MS, id: `n${i}` }]);
  log.cutThrough(1000);
  assert.equal(log.firstCommit, 1);
  assert.equal(ingestor.checkpoint(), 100);
  await ingestor.push('clicks', [{ at: NOW_MS, id: 'after' }]);
  log.cutThrough(1000);
  assert.ok(log.firstCommit > 50);
  const again = await start(disk.afterCrash());
  const result = await again.ingestor.push('clicks', [
    { at: NOW_MS, id: 'n0' },
    { at: NOW_MS, id: 'after' },
    { at: NOW_MS, id: 'new' },
  ]);
  assert.deepEqual(codes(result), ['duplicate', 'duplicate']);
  const lost = disk.afterKill();
  lost.remove('log/ids.bin');
  await assert.rejects(start(lost), hasCode('corrupt_log'));
});

test('crash at every operation: what was answered is there once, and sending again is safe', async () => {
  for (let operation = 1; ; operation++) {
    const disk = memory(operation);
    disk.failAt({ atOperation: operation, fault: 'crash' });
    const answered: string[] = [];
    const batches = Array.from({ length: 6 }, (_, b) =>
      Array.from({ length: 3 }, (_, i) => ({ at: NOW_MS, id: `${b}-${i}` })),
    );
    let finished = false;
    try {
      const { ingestor, log } = await start(disk);
      for (const [b, rows] of batches.entries()) {
        const result = await ingestor.push('clicks', [...rows, { at: 1, id: 'too late' }]);
        assert.equal(result.accepted, 3);
        answered.push(...rows.map(({ id }) => id));
        if (b === 3) log.cutThrough(ingestor.checkpoint() - 2);
      }
      finished = true;
    } catch (error) {
      assert.ok(error instanceof CrashError, `${error}`);
    }
    const { ingestor, log } = await start(disk.afterCrash());
    const before = idsIn(log);
    if (log.firstCommit === 1) {
      for (const id of answered) assert.ok(before.includes(id), `operation ${operation}: ${id}`);
    }
    for (const rows of batches) await ingestor.push('clicks', rows);
    const after = idsIn(log);
    assert.equal(new Set(after).size, after.length, `operation ${operation}: doubled`);
    for (const id of answered) if (!before.includes(id)) assert.ok(!after.includes(id));
    if (finished) break;
  }
});
