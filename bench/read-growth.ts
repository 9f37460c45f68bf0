import assert from 'node:assert/strict';
import { compileFinish } from '../src/aggregate/finish.ts';
import { present } from '../src/base/assert.ts';
import { seededRandom } from '../src/base/random.ts';
import { avg, count, max, sum } from '../src/define/aggregate.ts';
import { int64, string, timestamp } from '../src/define/column.ts';
import { entity } from '../src/define/entity.ts';
import { service } from '../src/define/service.ts';
import { stream } from '../src/define/stream.ts';
import { view } from '../src/define/view.ts';
import { sliding } from '../src/define/window.ts';
import { compileProject } from '../src/plan/compile.ts';
import type { AggregateFeaturePlan } from '../src/plan/plan.ts';
import type { Column } from '../src/schema/batch.ts';
import { MemoryTileStore } from '../src/store/memory-tile-store.ts';
import type { TileGroup } from '../src/store/tile-group.ts';
import { SourceApplier } from '../src/stream/source-applier.ts';
import { eventsOf, oracleView } from '../src/testing/platform-oracle.ts';
import { type BenchOptions, benchOptions, compare, type Measurement } from './harness.ts';

/** One event of each key every 10 minutes, so that every tile of every window has some. */
const STEP_MS = 600_000;
const DAY_MS = 86_400_000;
const DAYS = 30;
const START_MS = Date.UTC(2026, 0, 1);
const LENGTHS = ['1d', '7d', '30d'] as const;

interface ReadWorld {
  readonly keys: readonly string[];
  readonly group: TileGroup;
  readonly nowMs: number;
  readonly finishes: readonly (() => unknown)[];
}

/**
 * Reading one row: how long a tile takes, and how that grows with the window. The limit is a loop
 * over as many numbers, which each read has to look at at least.
 */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const keyCount = options.quick ? 100 : 500;
  const measurements: Measurement[] = [];
  for (const length of LENGTHS) {
    const world = createWorld(length, keyCount);
    const perRow = wordsPerRow(world);
    measurements.push(await measureTiles(length, world, perRow, options));
  }
  return measurements;
}

function measureTiles(
  length: (typeof LENGTHS)[number],
  { keys, group, nowMs, finishes }: ReadWorld,
  { tiles, words }: { readonly tiles: number; readonly words: number },
  options: BenchOptions,
): Promise<Measurement> {
  const repeats = options.quick ? 20 : 60;
  const numbers = new Float64Array(words * keys.length).fill(1);
  let total = 0;
  return compare(
    {
      measure: `read_tile_${length}`,
      unit: 'ns/tile',
      direction: 'time',
      limitName: `adding up the ${words} numbers of a row's ${tiles} tiles, one by one`,
      work: tiles * keys.length * repeats,
      per: 1e-9,
      rounds: options.quick ? 5 : 11,
      ours: {
        run: () => {
          for (let repeat = 0; repeat < repeats; repeat++) {
            for (const key of keys) {
              group.table.query(group.find(key), nowMs);
              for (const finish of finishes) total += Number(finish());
            }
          }
        },
      },
      limit: {
        run: () => {
          for (let repeat = 0; repeat < repeats; repeat++) {
            let added = 0;
            for (let i = 0; i < numbers.length; i++) added += numbers[i] as number;
            total += added;
          }
        },
      },
    },
    options,
  ).then((measurement) => {
    assert.ok(Number.isFinite(total));
    const { value } = measurement;
    if (!options.json)
      options.write(`  ${length}: ${tiles} tiles a row, ${Math.round(tiles * value)} ns a row`);
    return measurement;
  });
}

function wordsPerRow({ group, keys }: ReadWorld): { tiles: number; words: number } {
  const { tiles, bytes } = group.table.stats();
  return { tiles: Math.round(tiles / keys.length), words: Math.round(bytes / 8 / keys.length) };
}

function createWorld(length: (typeof LENGTHS)[number], keyCount: number): ReadWorld {
  const orders = stream('orders', {
    columns: { buyer: string(), amount: int64(), at: timestamp() },
    eventTime: 'at',
  });
  const spending = view('spending', {
    version: 1,
    source: orders,
    entity: entity('buyer', { keys: { buyer: string() } }),
    key: { buyer: 'buyer' },
    features: (order) => ({
      orders: count().over(sliding(length)),
      amount: sum(order.amount).over(sliding(length)),
      mean: avg(order.amount).over(sliding(length)),
      largest: max(order.amount).over(sliding(length)),
    }),
  });
  const plan = compileProject([
    orders,
    service('spent', { version: 1, features: [spending.all()] }),
  ]);
  const store = new MemoryTileStore();
  const [source] = plan.sources;
  assert.ok(source !== undefined);
  const feeds = plan.groups.map((group) => ({
    plan: group,
    group: store.addGroup(group.id, group, group.entity),
  }));
  const applier = new SourceApplier(source, feeds);
  const keys = Array.from({ length: keyCount }, (_, i) => `b${100_000 + i}`);
  const random = seededRandom(11);
  const batches = Array.from({ length: (DAYS * DAY_MS) / STEP_MS }, (_, step) => {
    const times = new Float64Array(keyCount).fill(START_MS + step * STEP_MS);
    const amounts = Float64Array.from(times, () => random.below(1_000));
    const columns = source.columns.map(({ name, type }): Column => {
      if (name === 'buyer') return { kind: 'string', type, values: keys, valid: null };
      return {
        kind: 'number',
        type,
        values: name === 'at' ? times : amounts,
        wide: null,
        valid: null,
      };
    });
    const place = {
      source: 'orders',
      partition: 0,
      firstOffset: step * keyCount,
      commit: step + 1,
    };
    return { ...place, count: keyCount, eventTimeMs: times, arrivalTimeMs: times, columns };
  });
  for (const batch of batches) {
    store.applied.observe(batch);
    for (const group of store.groups) group.advanceTo(store.applied.newestArrivalMs);
    applier.apply(batch);
    store.applied.finish(batch.commit);
  }
  const nowMs = START_MS + DAYS * DAY_MS - 1;
  const [viewPlan] = plan.views;
  const [groupPlan] = plan.groups;
  assert.ok(viewPlan !== undefined && groupPlan !== undefined);
  const group = store.group(groupPlan.id);
  const features = viewPlan.features.filter(
    (one) => one.kind === 'aggregate',
  ) as AggregateFeaturePlan[];
  const finishes = features.map((feature) => compileFinish(feature, group.table));
  // What is timed is right: one key, against the naive oracle.
  const key = present(keys[7], 'a key');
  const names = source.columns.map((column) => column.name);
  const known = batches
    .flatMap((batch) => eventsOf(batch, names))
    .filter((one) => one.values.buyer === key);
  const naive = oracleView(plan, viewPlan, known, { buyer: key }, nowMs, () => true);
  group.table.query(group.find(key), nowMs);
  features.forEach((feature, i) => {
    assert.deepStrictEqual(finishes[i]?.(), naive.get(feature.name), feature.name);
  });
  return { keys, group, nowMs, finishes };
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
