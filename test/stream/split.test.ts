import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTable } from '../../src/aggregate/create-table.ts';
import { ByteWriter } from '../../src/base/bytes.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { MemoryTileStore } from '../../src/store/memory-tile-store.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import type { Splitting } from '../../src/stream/split-rule.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { compareStates } from './compare.ts';
import { splitRandomly } from './split-randomly.ts';
import { BatchMaker, type Probe, planOf, randomGroup } from './world.ts';

const SOURCES = ['clicks'];
const WHOLE: Splitting = { decide: () => ({ split: [], merge: [] }), sampleEvery: 1, lookEvery: 1 };

/** The same batches for several engines, each over a disk of its own. */
class World {
  readonly random: Random;
  readonly maker: BatchMaker;
  readonly probes: readonly Probe[];

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.maker = new BatchMaker(this.random, SOURCES);
    this.probes = [1, 2, 3].flatMap((n) => randomGroup(this.random, 'clicks', `g${n}`));
  }

  open(disk: MemoryDisk, splitting: Splitting, stateMemoryBytes = 1e9): Promise<StreamEngine> {
    const { maker } = this;
    return StreamEngine.open({
      plan: planOf(SOURCES, this.probes),
      state: diskState({ disk, folder: 'state' }),
      log: {
        firstCommit: 1,
        lastCommit: maker.batches.length,
        read: (after) => maker.batches.slice(after),
      },
      history: null,
      clock: new ManualClock(0),
      logger: silentLogger,
      policy: neverCheckpoint,
      stateMemoryBytes,
      splitting,
    });
  }

  compare(engine: StreamEngine): void {
    compareStates(engine.store, this.probes, this.maker, this.random);
  }
}

/** Each key's state as one row, whatever rows it stands in, as a checkpoint would hold it. */
function bytesOf(store: MemoryTileStore, world: World): Map<string, string> {
  const found = new Map<string, string>();
  for (const plan of planOf(SOURCES, world.probes).groups) {
    const [own, further] = store.partsOf(plan.id);
    assert.ok(own !== undefined && further !== undefined);
    const names = [...own.savedKeys(), ...liveKeys(own)];
    const split = [...further.savedKeys(), ...liveKeys(further)].map((name) => name.slice(1));
    for (const key of new Set([...names, ...split])) {
      const table = createTable(plan);
      table.advanceTo(store.applied.newestArrivalMs);
      const row = table.createRow();
      const ownRow = own.find(key);
      if (ownRow >= 0) table.mergeRow(row, own.table, ownRow);
      for (const origin of [1, 2, 3]) {
        const furtherRow = further.find(`${origin}${key}`);
        if (furtherRow >= 0) table.mergeRow(row, further.table, furtherRow);
      }
      table.compactRow(row);
      if (table.stats().tiles === 0) continue;
      const writer = new ByteWriter();
      table.encodeRow(row, writer);
      found.set(`${plan.id} ${key}`, Buffer.from(writer.view()).toString('hex'));
    }
  }
  return found;
}

function* liveKeys(group: ReturnType<MemoryTileStore['group']>): Iterable<string> {
  for (let row = 0; row < group.table.rowLimit; row++) {
    if (group.isLive(row)) yield group.keyOf(row);
  }
}

function splitRows(engine: StreamEngine): number {
  let rows = 0;
  for (const { id } of [...engine.store.groups]) {
    const further = engine.store.splitsOf(id)?.further;
    if (further !== undefined) rows += further.liveRows + further.coldRows;
  }
  return rows;
}

test('splitting keys, merging them back and restarts change no value and no byte', async () => {
  let split = 0;
  let merged = 0;
  let restored = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const world = new World(seed);
    const { random, maker } = world;
    const whole = await world.open(new MemoryDisk(random), WHOLE);
    const disk = new MemoryDisk(random);
    const memoryBytes = (): number => random.pick([1, 1e9]);
    const splitting = splitRandomly(seededRandom(seed));
    let engine = await world.open(disk, splitting, memoryBytes());
    const count = (): void => {
      for (const { splits, merges } of engine.hotKeys('clicks').values()) {
        split += splits;
        merged += merges;
      }
    };
    for (let step = 0; step < 120; step++) {
      const batch = maker.next();
      whole.apply(batch);
      engine.apply(batch);
      if (random.below(8) === 0) {
        const taken = engine.checkpoint();
        if (random.below(2) === 0) {
          const next = maker.next();
          whole.apply(next);
          engine.apply(next);
        }
        await taken;
      }
      if (random.below(15) === 0) {
        count();
        await (random.below(2) === 0 ? engine.close() : engine.abandon());
        engine = await world.open(disk, splitting, memoryBytes());
        restored += splitRows(engine);
      }
      if (step % 30 === 29) {
        world.compare(engine);
        assert.deepEqual(bytesOf(engine.store, world), bytesOf(whole.store, world), `seed ${seed}`);
      }
    }
    count();
    await engine.close();
    await whole.close();
  }
  assert.ok(split > 500 && merged > 100, `${split} split, ${merged} merged back`);
  assert.ok(restored > 50, `${restored} rows of split keys were there after a restart`);
});
