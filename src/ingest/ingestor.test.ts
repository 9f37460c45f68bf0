import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NodeDisk } from '../base/node-disk.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { codes, hasCode, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';

const memory = (seed = 1): MemoryDisk => new MemoryDisk(seededRandom(seed));

test('malformed lines are named by line while good rows go through', async () => {
  const { ingestor, log } = await start(memory());
  const seen: number[] = [];
  ingestor.onCommitted = (batch) => seen.push(batch.count);
  const body = [
    `{"at":${NOW_MS},"id":"a"}`,
    '',
    `{"at":${NOW_MS},"id":`,
    `{"at":${NOW_MS},"id":"b"}\r`,
    '[1]',
    `{"at":1700000000,"id":"c"}`,
    `{"at":${NOW_MS + 1_001},"id":"d"}`,
    `{"at":${NOW_MS},"id":"e","amuont":1}`,
    `{"id":"f"}`,
    `{"at":${NOW_MS},"id":"a"}`,
  ].join('\n');
  const result = await ingestor.push('clicks', Buffer.from(body));
  assert.deepEqual(
    result.rows.map(({ row, line, code, column }) => [row, line, code, column]),
    [
      [1, 3, 'malformed_json', null],
      [3, 5, 'not_an_object', null],
      [4, 6, 'too_late', 'at'],
      [5, 7, 'from_the_future', 'at'],
      [6, 8, 'unknown_column', 'amuont'],
      [7, 9, 'missing_column', 'at'],
      [8, 10, 'duplicate', 'id'],
    ],
  );
  assert.match(result.rows[2]?.remedy ?? '', /looks like seconds/);
  assert.match(result.rows[5]?.remedy ?? '', /^Send 'at': no row can be placed without it/);
  assert.deepEqual([result.received, result.accepted, result.rejected], [9, 2, 7]);
  assert.equal(result.commit, log.lastCommit);
  assert.equal(
    seen.reduce((sum, count) => sum + count, 0),
    2,
  );
  const stats = ingestor.stats('clicks');
  assert.deepEqual([stats?.received, stats?.accepted, stats?.rejected.too_late], [9, 2, 1]);
});

test('a time of another unit is told, and what helps a late row', async () => {
  const remedyOf = async (at: number, arrivalTime: string | null, seen: number) => {
    const columns = [...SCHEMA.columns];
    columns.push({ ...SCHEMA.columns[0], name: 'seen', optional: true } as (typeof columns)[0]);
    const { ingestor } = await start(memory(), { schema: { ...SCHEMA, columns, arrivalTime } });
    const result = await ingestor.push('clicks', JSON.stringify({ at, id: 'a', seen }));
    return `${result.rows[0]?.code}: ${result.rows[0]?.remedy}`;
  };
  const microseconds = NOW_MS * 1000;
  const hint = /^from_the_future: 'at' looks like microseconds; send milliseconds since 1970/;
  assert.match(await remedyOf(microseconds, null, NOW_MS), hint);
  const seen = /^too_late: 'seen' looks like microseconds/;
  assert.match(await remedyOf(NOW_MS, 'seen', microseconds), seen);
  assert.match(await remedyOf(NOW_MS / 1000, 'seen', NOW_MS), /^too_late: 'at' looks like seconds/);
  const seconds = /^from_the_future: 'seen' looks like seconds/;
  assert.match(await remedyOf(NOW_MS, 'seen', NOW_MS / 1000), seconds);
  assert.match(await remedyOf(NOW_MS + 5_000, null, NOW_MS), /^from_the_future: Check clocks/);
  const late = NOW_MS - 70_000;
  const judged = /^too_late: Raise .* version of the views .* judged by its new arrival/;
  assert.match(await remedyOf(late, null, NOW_MS), judged);
  assert.match(await remedyOf(late, 'seen', NOW_MS), /^too_late: Raise .* its 'seen' still counts/);
});

test('what a change cannot be without is asked for, not made optional', async () => {
  const columns = [...SCHEMA.columns];
  columns.push({ ...SCHEMA.columns[1], name: 'op', optional: true } as (typeof columns)[0]);
  columns.push({ ...SCHEMA.columns[2], name: 'lsn', optional: true } as (typeof columns)[0]);
  const remedyOf = async (shape: 'row' | 'envelope', row: object) => {
    const operations = { insert: ['c'], update: ['u'], delete: ['d'] };
    const changes = { column: 'op', ...operations, sequence: 'lsn', shape, horizonMs: 1, keep: 1 };
    const { ingestor } = await start(memory(), { schema: { ...SCHEMA, columns, changes } });
    const result = await ingestor.push('clicks', JSON.stringify(row));
    return `${result.rows[0]?.code}: ${result.rows[0]?.remedy}`;
  };
  const row = { at: NOW_MS, id: 'a', lsn: 1, op: 'c' };
  const operation = "missing_column: Send what the row does in 'op': one of 'c', 'u', 'd'.";
  assert.equal(await remedyOf('row', { ...row, op: undefined }), operation);
  assert.equal(await remedyOf('envelope', { after: row }), operation);
  assert.match(await remedyOf('row', { ...row, id: null }), /^missing_column: Send 'id': a change/);
  assert.match(
    await remedyOf('row', { ...row, lsn: null }),
    /^missing_column: Send 'lsn': it orders/,
  );
  assert.match(
    await remedyOf('envelope', { op: 'u' }),
    /^missing_column: Send 'after': the row as/,
  );
  assert.match(
    await remedyOf('envelope', { op: 'd' }),
    /^missing_column: Send 'before': the row as/,
  );
});

test('arrays, single objects, parsed rows and text of every form are read', async () => {
  const { ingestor } = await start(memory());
  const one = { at: NOW_MS };
  const bodies = [
    [[one, one], 2],
    [JSON.stringify([one, one, one]), 3],
    [JSON.stringify(one), 1],
    [JSON.stringify(one, null, 2), 1],
    [`\uFEFF ${JSON.stringify(one)}\n\n`, 1],
    ['[]', 0],
    ['', 0],
    [' \n \n', 0],
    [new Set([one]), 1],
    [Buffer.from(`[1]\n${JSON.stringify(one)}`), 1],
  ] as const;
  for (const [body, accepted] of bodies) {
    const result = await ingestor.push('clicks', body);
    assert.equal(result.accepted, accepted, String(body));
  }
  assert.deepEqual(codes(await ingestor.push('clicks', '[{"at":1},')), ['malformed_json']);
  await assert.rejects(ingestor.push('nobody', '{}'), hasCode('unknown_source'));
});

test('integers beyond 2^53 stay exact in every form of body', async () => {
  const { ingestor, log } = await start(memory());
  const big = '9007199254740993';
  await ingestor.push('clicks', `{"at":${NOW_MS},"amount":${big}}`);
  await ingestor.push('clicks', `[{"at":${NOW_MS},"amount":${big}}]`);
  await ingestor.push('clicks', [{ at: NOW_MS, amount: 9007199254740993n }]);
  await ingestor.push('clicks', [{ at: NOW_MS, amount: big }]);
  for (const batch of log.read(0)) {
    const column = batch.columns[2];
    assert.deepEqual(column?.kind === 'number' ? column.wide : null, BigInt64Array.of(BigInt(big)));
  }
  const lossy = await ingestor.push('clicks', [{ at: NOW_MS, amount: 2 ** 53 }]);
  assert.deepEqual(codes(lossy), ['wrong_type']);
  assert.match(lossy.rows[0]?.remedy ?? '', /decimal text/);
});

test('bytes that are no UTF-8 spoil their own line only, and are kept as they came', async () => {
  const { ingestor } = await start(memory());
  const good = Buffer.from(`{"at":${NOW_MS},"id":"é"}\n`);
  const bad = Buffer.from([0x7b, 0xff, 0x7d]);
  const result = await ingestor.push('clicks', Buffer.concat([good, bad, Buffer.from('\n'), good]));
  assert.deepEqual(
    result.rows.map(({ line, code }) => [line, code]),
    [
      [2, 'malformed_json'],
      [3, 'duplicate'],
    ],
  );
  const [letter] = ingestor.letters.list('clicks', { code: 'malformed_json' });
  assert.deepEqual(letter?.raw, new Uint8Array(bad));
});

test('real files end to end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-ingest-'));
  try {
    const first = await start(new NodeDisk(folder));
    const lines = Array.from(
      { length: 5_000 },
      (_, i) => `{"at":${NOW_MS - i},"id":"i${i % 4_900}"}`,
    );
    const result = await first.ingestor.push('clicks', Buffer.from(lines.join('\n')));
    assert.deepEqual([result.accepted, result.rejected], [4_900, 100]);
    await first.log.close();
    first.ingestor.close();
    const second = await start(new NodeDisk(folder));
    assert.equal((await second.ingestor.push('clicks', lines[7] ?? '')).rejected, 1);
    assert.equal(second.ingestor.letters.count('clicks')[0]?.count, 101);
    await second.log.close();
    second.ingestor.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
