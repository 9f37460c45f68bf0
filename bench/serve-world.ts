import assert from 'node:assert/strict';
import { systemClock } from '../src/base/clock.ts';
import { seededRandom } from '../src/base/random.ts';
import { avg, count, last, max, min, sum, variance } from '../src/define/aggregate.ts';
import { type EventOf, float64, int64, string, timestamp } from '../src/define/column.ts';
import { entity } from '../src/define/entity.ts';
import { service } from '../src/define/service.ts';
import { stream } from '../src/define/stream.ts';
import { view } from '../src/define/view.ts';
import { sliding } from '../src/define/window.ts';
import { compileProject } from '../src/plan/compile.ts';
import type { Column, EventBatch } from '../src/schema/batch.ts';
import type { SourceSchema } from '../src/schema/types.ts';
import { FeatureServer } from '../src/serve/feature-server.ts';
import { MemoryTileStore } from '../src/store/memory-tile-store.ts';
import { SourceApplier } from '../src/stream/source-applier.ts';
import { eventsOf, oracleView } from '../src/testing/platform-oracle.ts';

/** 50 features from 3 views over 2 entities, with windows from 10 minutes to 7 days. */
const orders = stream('orders', {
  columns: { buyer: string(), shop: string(), items: int64(), amount: float64(), at: timestamp() },
  eventTime: 'at',
  allowedLateness: '12h',
});
const buyer = entity('buyer', { keys: { buyer: string() } });
const shop = entity('shop', { keys: { shop: string() } });

type Order = EventOf<typeof orders.columns>;

function spending(order: Order) {
  const w10m = sliding('10m');
  const w1h = sliding('1h');
  const w6h = sliding('6h');
  const w1d = sliding('1d');
  const w7d = sliding('7d');
  return {
    orders_10m: count().over(w10m),
    orders_1h: count().over(w1h),
    orders_6h: count().over(w6h),
    orders_1d: count().over(w1d),
    orders_7d: count().over(w7d),
    items_10m: sum(order.items).over(w10m),
    items_1h: sum(order.items).over(w1h),
    items_6h: sum(order.items).over(w6h),
    items_1d: sum(order.items).over(w1d),
    items_7d: sum(order.items).over(w7d),
    amount_mean_1h: avg(order.amount).over(w1h),
    amount_mean_6h: avg(order.amount).over(w6h),
    amount_mean_1d: avg(order.amount).over(w1d),
    amount_mean_7d: avg(order.amount).over(w7d),
    amount_max_1d: max(order.amount).over(w1d),
    amount_max_7d: max(order.amount).over(w7d),
    amount_min_7d: min(order.amount).over(w7d),
  };
}

const buyerSpending = view('buyer_spending', {
  version: 1,
  source: orders,
  entity: buyer,
  key: { buyer: 'buyer' },
  freshness: '1m',
  features: spending,
});
const shopSpending = view('shop_spending', {
  version: 1,
  source: orders,
  entity: shop,
  key: { shop: 'shop' },
  freshness: '1m',
  features: spending,
});
const buyerHabits = view('buyer_habits', {
  version: 1,
  source: orders,
  entity: buyer,
  key: { buyer: 'buyer' },
  filter: (order) => order.items.gt(1),
  features: (order) => ({
    ...spending(order),
    last_shop: last(order.shop).over(sliding('7d')),
    amount_var_7d: variance(order.amount).over(sliding('7d')),
  }),
});

type FeatureName = keyof ReturnType<typeof spending>;
const NAMES = [
  'orders_10m',
  'orders_1h',
  'orders_6h',
  'orders_1d',
  'orders_7d',
  'items_10m',
  'items_1h',
  'items_6h',
  'items_1d',
  'items_7d',
  'amount_mean_1h',
  'amount_mean_6h',
  'amount_mean_1d',
  'amount_mean_7d',
  'amount_max_1d',
  'amount_max_7d',
] as const satisfies readonly FeatureName[];

const prefixed = (prefix: string): Record<string, FeatureName> =>
  Object.fromEntries(NAMES.map((name) => [`${prefix}_${name}`, name]));

export const BUYERS = 10_000;
export const SHOPS = 500;
const EVENTS_PER_COMMIT = 1_000;
const DAY_MS = 86_400_000;

const features = [
  buyerSpending.pick(prefixed('buyer') as never),
  shopSpending.pick(prefixed('shop') as never),
  buyerHabits.pick(prefixed('many') as never, 'last_shop', 'amount_var_7d'),
];
const fraudCheck = service('fraud_check', { version: 1, features });
/** The same for another tenant. */
export const NOISY_SERVICE = service('noisy.check', { version: 1, features });

/** What the server process holds: a week of orders, applied as the stream engine would. */
export interface ServeWorld {
  readonly server: FeatureServer;
  /** Compares answers for some rows with the naive oracle; throws where they differ. */
  check(rows: readonly { buyer: string; shop: string }[]): void;
}

export function createServeWorld(events: number, more: readonly unknown[] = []): ServeWorld {
  const plan = compileProject([orders, fraudCheck, ...more]);
  const store = new MemoryTileStore();
  const [source] = plan.sources;
  assert.ok(source !== undefined);
  const feeds = plan.groups.map((group) => ({
    plan: group,
    group: store.addGroup(group.id, group, group.entity),
  }));
  const applier = new SourceApplier(source, feeds);
  const batches = orderBatches(source, events, systemClock.nowMs());
  for (const batch of batches) {
    store.applied.observe(batch);
    for (const group of store.groups) group.advanceTo(store.applied.newestArrivalMs);
    applier.apply(batch);
    store.applied.finish(batch.commit);
  }
  const server = new FeatureServer({ plan, store, clock: systemClock });
  const columns = source.columns.map((column) => column.name);
  return {
    server,
    check: (rows) => {
      const response = server.get('fraud_check', rows);
      const all = batches.flatMap((batch) => eventsOf(batch, columns));
      rows.forEach((row, i) => {
        const known = all.filter((e) => e.values.buyer === row.buyer || e.values.shop === row.shop);
        for (const output of plan.services[0]?.features ?? []) {
          const viewPlan = plan.views.find((one) => one.name === output.view);
          assert.ok(viewPlan !== undefined);
          const naive = oracleView(plan, viewPlan, known, row, response.asOfMs, () => true);
          const expected = naive.get(output.feature);
          assert.deepStrictEqual(response.rows[i]?.values[output.name], expected, output.name);
        }
      });
    },
  };
}

/** Commits over the last seven days, in order of time; few keys are hot, most are not. */
function orderBatches(schema: SourceSchema, events: number, nowMs: number): EventBatch[] {
  const random = seededRandom(7);
  const commits = Math.ceil(events / EVENTS_PER_COMMIT);
  return Array.from({ length: commits }, (_, commit): EventBatch => {
    const atMs = Math.floor(nowMs - 7 * DAY_MS + ((commit + 1) / commits) * 7 * DAY_MS);
    const times = new Float64Array(EVENTS_PER_COMMIT).fill(atMs);
    const fill = <T>(make: () => T): T[] => Array.from({ length: EVENTS_PER_COMMIT }, make);
    const values: Record<string, readonly string[] | Float64Array> = {
      buyer: fill(() => buyerName(random.below(BUYERS))),
      shop: fill(() => shopName(random.below(SHOPS))),
      items: Float64Array.from(times, () => random.below(5)),
      amount: Float64Array.from(times, () => random.below(100_000) / 100),
      at: times,
    };
    return {
      source: 'orders',
      partition: 0,
      firstOffset: commit * EVENTS_PER_COMMIT,
      commit: commit + 1,
      count: EVENTS_PER_COMMIT,
      eventTimeMs: times,
      arrivalTimeMs: times,
      columns: schema.columns.map(({ name, type }): Column => {
        const cells = values[name];
        assert.ok(cells !== undefined);
        return cells instanceof Float64Array
          ? { kind: 'number', type, values: cells, wide: null, valid: null }
          : { kind: 'string', type, values: cells, valid: null };
      }),
    };
  });
}

export const buyerName = (index: number): string => `b${100_000 + index}`;
export const shopName = (index: number): string => `s${1_000 + index}`;
