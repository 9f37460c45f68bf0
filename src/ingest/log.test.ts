import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NodeDisk } from '../base/node-disk.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { checkWhole, entry, hasCode, markOf, open, SCHEMA } from './log.fixture.ts';
import { EventLog } from './log.ts';
import { readSegments } from './segment-reader.ts';

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
  // The schema, the header of the segment, its folder, the first group, and the 49 that gathered.
  assert.equal(disk.syncs.length - before, 5);
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
