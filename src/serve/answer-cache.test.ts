import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TileTable } from '../aggregate/tile-table.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryTileStore } from '../store/memory-tile-store.ts';
import { AnswerCache } from './answer-cache.ts';
import type { EntityRead } from './read-plan.ts';

const WINDOWS: readonly WindowSpec[] = [
  { kind: 'sliding', sizeMs: 1_000, hopMs: 20, exact: false, complete: false },
  { kind: 'sliding', sizeMs: 5_000, hopMs: 100, exact: false, complete: true },
  { kind: 'tumbling', sizeMs: 2_000, offsetMs: 0, complete: true },
  { kind: 'tumbling', sizeMs: 3_000, offsetMs: 700, complete: false },
  { kind: 'sliding', sizeMs: 400, hopMs: 1, exact: true, complete: false },
  { kind: 'lifetime', hopMs: 500, complete: true },
];

/** One table with a count over each window, keys `k0`… and rows that come and go. */
function world(): { table: TileTable; rows: Map<string, number>; entity: EntityRead } {
  const table = new TileTable({
    accumulators: [{ fn: 'count', lane: 0, type: { kind: 'int64' } }],
    windows: WINDOWS,
  });
  const rows = new Map<string, number>();
  const store = { table, origins: null, find: (key: string) => rows.get(key) ?? -1 };
  const windows = WINDOWS.map((_, at) => at);
  const entity: EntityRead = {
    keyIndexes: [0],
    keyTokens: null,
    fromSlot: 0,
    toSlot: WINDOWS.length,
    groups: [{ id: 'group', store, windows, features: [], expiring: [] }],
    derived: [],
  };
  return { table, rows, entity };
}

function addEvent(table: TileTable, row: number, eventTimeMs: number): void {
  const pass = new Uint8Array([1]);
  const lane = { kind: 'number', values: new Float64Array(1), wide: null, pass } as const;
  const times = new Float64Array([eventTimeMs]);
  const at = { eventTimeMs: times, arrivalTimeMs: times };
  const place = { count: 1, partition: 0, firstOffset: 0, ...at };
  table.add({ ...place, lanes: [lane] }, new Int32Array([row]));
}

test('what the cache gives is what would be computed, whatever changed in between', () => {
  const seed = 20_260;
  const random = seededRandom(seed);
  const { table, rows, entity } = world();
  const cache = new AnswerCache(entity);
  const compute = (row: number, timeMs: number): number[] => {
    table.query(row, timeMs);
    table.fold(0);
    return WINDOWS.map((_, window) => table.partials[table.partialAt(window, 0)] ?? Number.NaN);
  };
  let nowMs = 100_000;
  for (let step = 0; step < 20_000; step += 1) {
    const key = `k${random.below(5)}`;
    const row = rows.get(key) ?? -1;
    const action = random.below(10);
    if (action === 0 && row < 0) rows.set(key, table.createRow());
    else if (action === 1 && row >= 0 && random.below(4) === 0) {
      table.freeRow(row);
      rows.delete(key);
    } else if (action === 2 && row >= 0) {
      table.advanceTo(nowMs);
      addEvent(table, row, nowMs - random.below(3_000));
    } else if (action === 3) {
      nowMs += random.below(random.below(5) === 0 ? 300 : 5);
    } else {
      const expected = compute(row, nowMs);
      const cached = cache.find(key, nowMs);
      if (cached !== null) assert.deepEqual(cached.values, expected, `seed ${seed}, step ${step}`);
      else {
        const untilMs = table.holdsUntilMs(row, nowMs, [...WINDOWS.keys()]);
        cache.keep(key, untilMs, [row], expected, new Uint8Array(WINDOWS.length));
      }
    }
  }
  assert.ok(cache.hits > 2_000, `the cache answered ${cache.hits} times`);
});

test('a full cache starts again and stays within its bound', () => {
  const { entity } = world();
  const cache = new AnswerCache(entity, 2);
  for (const key of ['a', 'b', 'c']) cache.keep(key, 9, [-1], [1, 2, 3], new Uint8Array(3));
  assert.equal(cache.find('a', 0), null);
  assert.notEqual(cache.find('c', 0), null);
});

test('an answer of a split key holds until any of its rows changes', () => {
  const store = new MemoryTileStore();
  const spec = {
    accumulators: [{ fn: 'count', lane: 0, type: { kind: 'int64' } }],
    windows: WINDOWS,
  } as const;
  const group = store.addGroup('g', spec, 'key');
  const splits = store.splitsOf('g');
  assert.ok(splits !== null);
  const id = group.keys.add('k');
  group.coverIds(id + 1);
  const row = group.create(id);
  splits.split(id);
  const groups = [{ id: 'g', store: group, windows: [0], features: [], expiring: [] }];
  const cache = new AnswerCache({
    keyIndexes: [0],
    keyTokens: null,
    fromSlot: 0,
    toSlot: 1,
    groups,
    derived: [],
  });
  const keep = (): unknown => cache.keep('k', 9, [row], [0], new Uint8Array(1));
  for (const salt of [0, 1, 2, 3]) {
    keep();
    assert.notEqual(cache.find('k', 1), null);
    const own = new Int32Array([row]);
    const further = new Int32Array(1);
    const isDiverted = splits.divert({ count: 1, salt, ids: new Int32Array([id]), own, further });
    assert.equal(isDiverted, salt > 0, 'one origin in four is the own row');
    assert.deepEqual([own[0] === row, further[0] === -1], [!isDiverted, !isDiverted]);
    if (isDiverted) assert.equal(cache.find('k', 1), null);
  }
  keep();
  splits.mergeBack(id);
  assert.equal(cache.find('k', 1), null);
});
