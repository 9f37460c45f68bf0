import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { CrashError, type Fault, MemoryDisk } from '../testing/memory-disk.ts';
import { EventLog, type LogEntry } from './log.ts';
import { segmentPath } from './segment.ts';
import { readSegments } from './segment-reader.ts';

const SCHEMA: SourceSchema = {
  name: 'clicks',
  columns: [
    { name: 'at', type: { kind: 'timestamp' }, optional: false, min: null, max: null },
    { name: 'user', type: { kind: 'string' }, optional: false, min: null, max: null },
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 1000,
  maxClockSkewMs: 0,
  dedupeHorizonMs: 0,
  partitions: 2,
};

/** A batch whose one row is named by `mark`, with a payload of some size. */
function entry(mark: number, partition = 0, rows = 1): LogEntry {
  const times = new Float64Array(rows).fill(mark);
  return {
    source: 'clicks',
    partition,
    count: rows,
    eventTimeMs: times,
    arrivalTimeMs: times,
    columns: [
      { kind: 'number', type: { kind: 'timestamp' }, values: times, wide: null, valid: null },
      {
        kind: 'string',
        type: { kind: 'string' },
        values: Array.from({ length: rows }, (_, i) => `user-${mark}-${i}`),
        valid: null,
      },
    ],
  };
}

const markOf = (batch: EventBatch): number => batch.eventTimeMs[0] ?? -1;
const hasCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof AsofError && error.code === code;

function open(disk: MemoryDisk | NodeDisk, segmentBytes = 600): Promise<EventLog> {
  return EventLog.open({ disk, schemas: [SCHEMA], limits: { segmentBytes } });
}

/** Commits are dense, offsets are dense in each partition, and no mark comes twice. */
function checkWhole(batches: readonly EventBatch[], firstCommit = 1): number[] {
  const offsets = new Map<number, number>();
  const marks: number[] = [];
  for (const [i, batch] of batches.entries()) {
    assert.equal(batch.commit, firstCommit + i);
    const expected = offsets.get(batch.partition) ?? (firstCommit === 1 ? 0 : batch.firstOffset);
    assert.equal(batch.firstOffset, expected);
    offsets.set(batch.partition, batch.firstOffset + batch.count);
    marks.push(markOf(batch));
  }
  assert.equal(new Set(marks).size, marks.length, `doubled: ${marks}`);
  return marks;
}

/** Two producers that append until the disk gives up; says what was acknowledged and refused. */
async function produce(log: EventLog, from: number, count: number) {
  const acknowledged: number[] = [];
  const refused: number[] = [];
  const producer = async (parity: number): Promise<void> => {
    for (let i = from + parity; i < from + count; i += 2) {
      try {
        await log.append([entry(i, i % 2)]);
        acknowledged.push(i);
      } catch (error) {
        if (error instanceof CrashError) return;
        refused.push(i);
      }
    }
  };
  await Promise.all([producer(0), producer(1)]);
  return { acknowledged, refused };
}

test('appends get dense commits and offsets and are read back, across segments and restarts', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  const [first] = await log.append([entry(10, 0, 3), entry(11, 1)]);
  assert.deepEqual([first?.commit, first?.firstOffset], [1, 0]);
  for (let i = 0; i < 20; i++) await log.append([entry(100 + i, i % 2)]);
  assert.equal(log.lastCommit, 22);
  assert.equal(checkWhole([...log.read(0)]).length, 22);
  assert.deepEqual([...log.read(20)].map(markOf), [118, 119]);
  assert.ok(disk.list('log').length > 3);
  await log.close();
  await assert.rejects(log.append([entry(1)]), hasCode('not_ready'));

  const again = await open(disk);
  assert.deepEqual(again.recovery.tornBytes, 0);
  assert.equal(again.lastCommit, 22);
  assert.deepEqual(again.partition('clicks', 0), {
    source: 'clicks',
    partition: 0,
    nextOffset: 13,
    newestArrivalMs: 118,
  });
  const [next] = await again.append([entry(500, 0)]);
  assert.deepEqual([next?.commit, next?.firstOffset], [23, 13]);
  checkWhole([...again.read(0)]);
});

test('appends gather behind a running sync and share the next one', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk, 1 << 20);
  const seen: number[] = [];
  log.onDurable = (batch) => seen.push(batch.commit);
  const before = disk.syncs.length;
  await Promise.all(Array.from({ length: 50 }, (_, i) => log.append([entry(i)])));
  // One for the header of the segment, its folder, the first group, and the 49 that gathered.
  assert.equal(disk.syncs.length - before, 4);
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
});

test('an append of nothing waits for what went before', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  await log.append([]);
  const order: string[] = [];
  const write = log.append([entry(1)]).then(() => order.push('write'));
  const barrier = log.append([]).then(() => order.push('barrier'));
  await Promise.all([write, barrier]);
  assert.deepEqual(order, ['write', 'barrier']);
});

test('pending bytes are bounded: producers wait for room', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await EventLog.open({ disk, schemas: [SCHEMA], limits: { pendingBytes: 500 } });
  let peak = 0;
  const appends = Array.from({ length: 100 }, async (_, i) => {
    await log.append([entry(i)]);
    peak = Math.max(peak, log.pendingBytes);
  });
  await Promise.all(appends);
  assert.equal(log.lastCommit, 100);
  checkWhole([...log.read(0)]);
  assert.ok(peak < 1200, `${peak}`);
});

test('a cut removes whole segments and positions go on after a restart', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  for (let i = 0; i < 30; i++) await log.append([entry(i, i % 2)]);
  log.cutLimit = () => 12;
  log.cutThrough(1000);
  assert.ok(log.firstCommit > 1 && log.firstCommit <= 13);
  log.cutLimit = () => Number.POSITIVE_INFINITY;
  log.cutThrough(1000);
  const first = log.firstCommit;
  assert.equal(disk.list('log').filter((name) => name.endsWith('.seg')).length, 1);
  checkWhole([...log.read(0)], first);
  await log.close();
  const again = await open(disk);
  assert.equal(again.firstCommit, first);
  const [batch] = await again.append([entry(99, 1)]);
  assert.deepEqual([batch?.commit, batch?.firstOffset], [31, 15]);
});

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
  const again = await open(disk, 1 << 20);
  assert.equal(again.recovery.tornPath, path);
  assert.ok(again.recovery.tornBytes > 10);
  assert.deepEqual(checkWhole([...again.read(0)]), [1]);
});

test('a newer format is refused by name', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  await log.append([entry(1)]);
  await log.close();
  disk.corrupt(segmentPath(1), 4, 1);
  await assert.rejects(open(disk), hasCode('newer_format'));
});

test('another process reads while the log is written, cut and unfinished', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  for (let i = 0; i < 10; i++) await log.append([entry(i)]);
  const reader = readSegments(disk, 0);
  const seen = [reader.next().value as EventBatch];
  for (let i = 10; i < 20; i++) await log.append([entry(i)]);
  log.cutThrough(15);
  for (const batch of reader) seen.push(batch);
  assert.deepEqual(new Set(seen.map(markOf)).size, seen.length);
  assert.equal(seen.at(-1)?.commit, 20);
  const path = `log/${disk
    .list('log')
    .filter((name) => name.endsWith('.seg'))
    .at(-1)}`;
  const file = disk.openAppend(path);
  file.append(new Uint8Array(7).fill(1));
  assert.equal([...readSegments(disk, 18)].length, 2);
});

test('old frames are read under a later schema; a changed type is refused', async () => {
  const disk = new MemoryDisk(seededRandom(1));
  const log = await open(disk);
  await log.append([entry(1)]);
  const page = { name: 'page', type: { kind: 'int64' }, optional: true, min: null, max: null };
  const later = { ...SCHEMA, columns: [page, ...SCHEMA.columns] } as SourceSchema;
  log.setSchemas([later]);
  const [batch] = [...log.read(0)];
  assert.deepEqual(batch?.columns[0]?.valid, Uint8Array.of(0));
  assert.deepEqual(batch?.columns[2]?.values, ['user-1-0']);
  const changed = { ...SCHEMA, columns: [{ ...SCHEMA.columns[1], type: { kind: 'bool' } }] };
  assert.throws(() => log.setSchemas([changed as SourceSchema]), hasCode('type_mismatch'));
  await assert.rejects(log.append([{ ...entry(1), source: 'nobody' }]), hasCode('unknown_source'));
});

test('real files: append, restart, torn tail, read from outside', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-log-'));
  try {
    const disk = new NodeDisk(folder);
    const log = await open(disk);
    await Promise.all(Array.from({ length: 40 }, (_, i) => log.append([entry(i, i % 2)])));
    await log.append([entry(40)]);
    await log.close();
    const files = disk.list('log').filter((name) => name.endsWith('.seg'));
    const last = disk.openAppend(`log/${files.at(-1)}`);
    last.append(new Uint8Array(100).fill(7));
    last.close();
    const again = await open(disk);
    assert.equal(again.recovery.tornBytes, 100);
    assert.equal(checkWhole([...again.read(0)]).length, 41);
    assert.equal([...readSegments(new NodeDisk(folder), 30)].length, 11);
    await again.append([entry(41)]);
    again.cutThrough(35);
    assert.ok(again.firstCommit > 1);
    await again.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
