import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Random, seededRandom } from '../../base/random.ts';
import { checkRowStoreLife } from '../../testing/row-store-life.ts';
import type { RowStoreWorld } from '../../testing/row-store-world.ts';
import { rowWrite, storeHead } from '../../testing/row-store-world.ts';
import type { ReadOptions, RowKey, StoreRead } from '../row-store.ts';
import { HotReads } from './hot-reads.ts';
import { MemoryRows } from './memory-rows.ts';

/** A store that takes a while, as one at the other end of a network. */
class SlowRows extends MemoryRows {
  reads = 0;
  readonly #turns: () => number;

  constructor(turns: () => number) {
    super();
    this.#turns = turns;
  }

  override read(keys: readonly RowKey[], _options?: ReadOptions): StoreRead {
    this.reads += 1;
    const later = async (): Promise<StoreRead> => {
      for (let turns = this.#turns(); turns > 0; turns--) await nextTurn();
      const read = super.read(keys);
      for (let turns = this.#turns(); turns > 0; turns--) await nextTurn();
      return read;
    };
    // The port allows a promise where the class before gives the value itself.
    return later() as unknown as StoreRead;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const ALL = { sample: 1, share: 1e-9 };

test('answers with kept rows are those of the oracle at the position that they name', async () => {
  let hits = 0;
  let conflicts = 0;
  const world = (random: Random) => (): RowStoreWorld => {
    const rows = new SlowRows(() => random.below(3));
    let nowMs = 0;
    const opened: HotReads[] = [];
    return {
      open: () => {
        const stopwatchMs = (): number => {
          nowMs += random.below(3);
          return nowMs;
        };
        const store = new HotReads(rows, { ...ALL, stopwatchMs, keepMs: 60, refreshMs: 20 });
        opened.push(store);
        return store;
      },
      alter: (key, change) => rows.alter(key, change),
      close: async () => {
        for (const store of opened) {
          hits += store.counters.hits;
          conflicts += store.counters.conflicts;
        }
      },
    };
  };
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      await checkRowStoreLife(world(random), seed, { steps: 300, mayLag: true });
    }),
    { numRuns: 25, endOnFailure: true },
  );
  assert.ok(hits > 100 && conflicts > 20, `${hits} hits, ${conflicts} conflicts`);
});

test('hot keys are read once in a while, and cold ones each time', async () => {
  const rows = new SlowRows(() => 0);
  const lease = await rows.acquire();
  const keys = Array.from({ length: 1_000 }, (_, i) => ({ group: 'orders', key: `k${i}` }));
  await rows.write(
    lease,
    1,
    keys.map((key) => rowWrite(key, key.key)),
  );
  await rows.publish(lease, storeHead(1, ['orders']));
  const time = { nowMs: 0 };
  const hot = new HotReads(rows, { sample: 1, share: 0.05, stopwatchMs: () => time.nowMs });
  const random = seededRandom(7);
  const options = { deadlineMs: Number.POSITIVE_INFINITY };
  for (let i = 0; i < 5_000; i++) {
    const key = keys[random.below(10) < 9 ? random.below(5) : random.below(1_000)];
    assert.ok(key !== undefined);
    const { rows: found } = await hot.read([key], options);
    const [row] = found;
    assert.ok(row !== null && row !== undefined && 'body' in row);
    assert.equal(Buffer.from(row.body).toString(), key.key);
    time.nowMs += 0.1;
  }
  assert.ok(hot.hotKeys >= 5 && hot.hotKeys < 20, `${hot.hotKeys} hot keys`);
  assert.ok(hot.counters.hits > 2_000, `${hot.counters.hits} hits`);
  assert.ok(rows.reads < 3_000, `${rows.reads} reads`);
  // What is kept ends, also where nobody asks for it again.
  time.nowMs += 1_000;
  const before = rows.reads;
  await hot.read(keys.slice(0, 1), options);
  assert.equal(rows.reads, before + 1);
});
