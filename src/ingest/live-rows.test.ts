import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { hashId } from './id-table.ts';
import { codes, hasCode, NOW_MS, SCHEMA, start } from './ingestor.fixture.ts';
import { type LiveLimits, LiveRows } from './live-rows.ts';
import type { EventLog } from './log.ts';

const text = { kind: 'string' } as const;
const ORDERS: SourceSchema = {
  ...SCHEMA,
  columns: [
    ...SCHEMA.columns,
    { name: 'op', type: text, optional: false, min: null, max: null },
    { name: 'note', type: text, optional: true, min: null, max: null },
  ],
  changes: {
    column: 'op',
    insert: ['c'],
    update: ['u'],
    delete: ['d'],
    sequence: null,
    shape: 'row',
    horizonMs: 5_000,
    keep: 10,
  },
};
const LIMITS: LiveLimits = { rows: 1e6, bytes: 1e9, rowsKept: 0, bytesKept: 0 };

const memory = (): MemoryDisk => new MemoryDisk(seededRandom(1));
const change = (op: string, id: string, amount = 0, at = NOW_MS) => ({ op, id, at, amount });

/** What of the log counts: the amounts of events that nothing takes back, by id. */
function standing(log: EventLog, from: readonly EventBatch[] = [...log.read(0)]): unknown {
  const live = new Map<string, readonly [string, number]>();
  for (const { retractions, partition, firstOffset, count, columns } of from) {
    const [, ids, amounts] = columns;
    assert.ok(ids?.kind === 'string' && amounts?.kind === 'number');
    for (let i = 0; i < count; i++) {
      const place = `${retractions?.partitions[i] ?? partition} ${retractions?.offsets[i] ?? firstOffset + i}`;
      const row: readonly [string, number] = [ids.values[i] ?? '', amounts.values[i] ?? 0];
      if ((retractions?.weights[i] ?? 1) > 0) live.set(place, row);
      else {
        assert.deepEqual(live.get(place), row, `what ${place} brought`);
        live.delete(place);
      }
    }
  }
  return Object.fromEntries(live.values());
}

for (const checkpointed of [true, false]) {
  test(`events can be changed over more or fewer partitions; ${checkpointed ? 'written down' : 'in the log'}`, async () => {
    let disk = memory();
    const seen: EventBatch[] = [];
    const expected: Record<string, number> = {};
    let known = 0;
    for (const partitions of [1, 4, 3, 2, 5]) {
      const { ingestor, log } = await start(disk, { schema: { ...ORDERS, partitions } });
      ingestor.onCommitted = (batch) => seen.push(batch);
      const rows = [];
      for (let i = 0; i < known; i += 3) {
        rows.push(change('u', `o${i}`, partitions * 100 + i));
        expected[`o${i}`] = partitions * 100 + i;
      }
      for (let i = 1; i < known; i += 7) {
        if (expected[`o${i}`] === undefined || i % 3 === 0) continue;
        rows.push(change('d', `o${i}`));
        delete expected[`o${i}`];
      }
      for (let i = known; i < known + 20; i++) {
        rows.push(change('c', `o${i}`, i));
        expected[`o${i}`] = i;
      }
      known += 20;
      const result = await ingestor.push('clicks', rows);
      assert.deepEqual(result.rows, [], `${partitions} partitions`);
      assert.deepEqual(standing(log, seen), expected, `${partitions} partitions`);
      if (checkpointed) log.cutThrough(ingestor.checkpoint());
      disk = disk.afterCrash();
    }
  });
}

test('what does not fit its bound is told to come again, and a delete still goes', async () => {
  const limits = { live: { ...LIMITS, rows: 40, bytes: 1_000 } };
  const { ingestor, log, clock } = await start(memory(), {
    schema: { ...ORDERS, partitions: 1 },
    limits,
  });
  const many = Array.from({ length: 100 }, (_, i) => change('c', `o${i}`, i));
  const first = await ingestor.push('clicks', many);
  assert.ok(first.accepted > 20 && first.accepted < 40, `${first.accepted}`);
  assert.deepEqual([...new Set(codes(first))], ['overloaded']);
  const same = await ingestor.push('clicks', [change('c', 'o0'), change('d', 'o1')]);
  assert.deepEqual(codes(same), ['duplicate']);
  clock.advanceTo(NOW_MS + 10_001);
  const later = await ingestor.push('clicks', [change('c', 'o99', 99, NOW_MS + 10_000)]);
  assert.deepEqual(codes(later), []);
  const left = standing(log);
  assert.ok(typeof left === 'object' && left !== null && 'o99' in left && !('o1' in left));
});

test('beyond the horizon a change is refused, not taken for a new event', async () => {
  const limits = { live: LIMITS };
  const world = await start(memory(), { schema: ORDERS, limits });
  await world.ingestor.push('clicks', [change('c', 'a', 1), change('c', 'b', 2)]);
  world.clock.advanceTo(NOW_MS + 5_000);
  const edge = await world.ingestor.push('clicks', [change('u', 'a', 3)]);
  assert.deepEqual(codes(edge), []);
  world.clock.advanceTo(NOW_MS + 5_001);
  const late = [change('u', 'b', 4), change('d', 'b'), change('u', 'a', 5)];
  assert.deepEqual(codes(await world.ingestor.push('clicks', late)), ['not_live', 'not_live']);
  assert.deepEqual(standing(world.log), { a: 5, b: 2 });
  const letters = world.ingestor.letters.count('clicks');
  assert.deepEqual(letters, [{ source: 'clicks', code: 'not_live', count: 2, readmitted: 0 }]);
});

test('a column that came later is null in what is taken back, whatever wrote it down', async () => {
  for (const checkpointed of [true, false]) {
    const without = { ...ORDERS, columns: ORDERS.columns.filter(({ name }) => name !== 'note') };
    const first = await start(memory(), { schema: without });
    await first.ingestor.push('clicks', [change('c', 'a', 1), change('c', 'b', 2)]);
    if (checkpointed) first.ingestor.checkpoint();
    const disk = (first.disk as MemoryDisk).afterCrash();
    const second = await start(disk, { schema: ORDERS });
    const rows = [{ ...change('u', 'a', 7), note: 'x' }, change('d', 'b'), change('u', 'a', 7)];
    const result = await second.ingestor.push('clicks', rows);
    assert.deepEqual(codes(result), []);
    assert.deepEqual(standing(second.log), { a: 7 });
  }
});

test('a source may begin to have changes, and then not cease to', async () => {
  for (const checkpointed of [true, false]) {
    const { changes: _, ...plain } = ORDERS;
    const first = await start(memory(), { schema: plain });
    await first.ingestor.push('clicks', [change('c', 'a', 1)]);
    if (checkpointed) first.ingestor.checkpoint();
    const disk = (first.disk as MemoryDisk).afterCrash();
    const second = await start(disk, { schema: ORDERS });
    const rows = [
      change('c', 'a', 1),
      change('u', 'a', 2),
      change('c', 'b', 3),
      change('u', 'b', 4),
    ];
    const result = await second.ingestor.push('clicks', rows);
    // Once only its id was written down, what the event brought is not there to be taken back.
    assert.deepEqual(codes(result), checkpointed ? ['duplicate', 'not_live'] : ['duplicate']);
    assert.deepEqual(standing(second.log), checkpointed ? { a: 1, b: 4 } : { a: 2, b: 4 });
    await assert.rejects(
      start((second.disk as MemoryDisk).afterCrash(), { schema: plain }),
      hasCode('type_mismatch'),
    );
  }
});

test('a source that is gone for a while comes back with its events', async () => {
  const first = await start(memory(), { schema: ORDERS });
  await first.ingestor.push('clicks', [change('c', 'a', 1), change('c', 'b', 2)]);
  first.ingestor.checkpoint();
  await first.ingestor.push('clicks', [change('u', 'b', 3), change('c', 'c', 4)]);
  const other = { ...SCHEMA, name: 'others' };
  const second = await start((first.disk as MemoryDisk).afterCrash(), { schema: other });
  await second.ingestor.push('others', [{ at: NOW_MS, id: 'z' }]);
  second.log.cutThrough(second.ingestor.checkpoint());
  const third = await start((second.disk as MemoryDisk).afterCrash(), { schema: ORDERS });
  const rows = [change('d', 'a'), change('u', 'b', 5), change('u', 'c', 4), change('d', 'c')];
  assert.deepEqual(codes(await third.ingestor.push('clicks', rows)), ['duplicate']);
});

test('an id of a change stream costs what is stated: 170 bytes, twice its id, thrice its columns', () => {
  const rows = new LiveRows({ eventMs: 1_000, idMs: 2_000 }, { ...LIMITS, rows: 1e7 });
  const bytes = new Uint8Array(100);
  const ids = 20_000;
  const place = { live: true, partition: 0, eventTimeMs: 1, sequence: 1n, bytes };
  for (let i = 0; i < 10 * ids; i++) {
    const id = `order-${String(i % ids).padStart(10, '0')}`;
    const row = { ...place, arrivalMs: Math.floor(i / ids), offset: i };
    assert.ok(rows.hasRoom(id, bytes.length, row.arrivalMs));
    rows.add(id, hashId(id), row);
    rows.confirm(1, row.arrivalMs);
  }
  const each = rows.bytes / ids;
  assert.ok(each <= 170 + 2 * 16 + 3 * bytes.length, `${each} bytes`);
});
