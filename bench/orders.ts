import assert from 'node:assert/strict';
import { compileFinish } from '../src/aggregate/finish.ts';
import { type OracleRow, oracleAggregate } from '../src/aggregate/oracle.ts';
import { type Random, seededRandom } from '../src/base/random.ts';
import { avg, count, max, sum } from '../src/define/aggregate.ts';
import { float64, int64, string, timestamp } from '../src/define/column.ts';
import { entity } from '../src/define/entity.ts';
import { stream } from '../src/define/stream.ts';
import { view } from '../src/define/view.ts';
import { sliding } from '../src/define/window.ts';
import type { LogEntry } from '../src/ingest/log.ts';
import { compileProject } from '../src/plan/compile.ts';
import type { AggregateFeaturePlan, ProjectPlan } from '../src/plan/plan.ts';
import type { Column } from '../src/schema/batch.ts';
import { writeColumns } from '../src/schema/columns-writer.ts';
import { schemaFingerprint } from '../src/schema/fingerprint.ts';
import type { SourceSchema } from '../src/schema/types.ts';
import type { MemoryTileStore } from '../src/store/memory-tile-store.ts';

const user = entity('user', { keys: { user: string() } });
const shop = entity('shop', { keys: { shop: string() } });

const orders = stream('orders', {
  columns: {
    id: string(),
    at: timestamp(),
    user: string(),
    shop: string(),
    amount: float64({ scale: 2 }),
    items: int64(),
    status: string(),
  },
  eventTime: 'at',
  id: 'id',
  allowedLateness: '1h',
  dedupeHorizon: '1h',
});

const spending = view('spending', {
  version: 1,
  source: orders,
  entity: user,
  key: { user: 'user' },
  features: (order) => ({
    orders_10m: count().over(sliding('10m')),
    orders_1h: count().over(sliding('1h')),
    amount_24h: sum(order.amount).over(sliding('24h')),
    mean_amount_7d: avg(order.amount).over(sliding('7d')),
  }),
});

const paid = view('paid', {
  version: 1,
  source: orders,
  entity: user,
  key: { user: 'user' },
  filter: (order) => order.status.eq('paid'),
  features: (order) => ({
    paid_1h: count().over(sliding('1h')),
    most_items_24h: max(order.items).over(sliding('24h')),
    paid_amount_7d: sum(order.amount).over(sliding('7d')),
  }),
});

const sales = view('sales', {
  version: 1,
  source: orders,
  entity: shop,
  key: { shop: 'shop' },
  features: (order) => ({
    sales_10m: count().over(sliding('10m')),
    revenue_1h: sum(order.amount).over(sliding('1h')),
    large_24h: count().where(order.amount.gt(900)).over(sliding('24h')),
    mean_items_7d: avg(order.items).over(sliding('7d')),
  }),
});

/** Three views on two keys, windows from 10 minutes to 7 days. */
export const ORDERS_PLAN: ProjectPlan = compileProject([spending, paid, sales]);

export const USERS = 100_000;
const SHOPS = 2_000;
/** Most orders come at once, one in ten up to this late. */
const LATE_MS = 20_000;
const SOON_MS = 500;

interface Order {
  readonly id: string;
  readonly at: number;
  readonly user: string;
  readonly shop: string;
  readonly amount: number;
  readonly items: number;
  readonly status: string;
}

/**
 * How orders fall on users: evenly, by chance or in turn; `few`: one in a hundred makes half of them;
 * `one`: a single one makes half of them.
 */
export type UserOrder = 'random' | 'in turn' | 'few' | 'one';

/** Orders as a client sends them, in order of arrival. */
export class OrderWriter {
  nowMs = 1_700_000_000_000;
  readonly #random: Random = seededRandom(11);
  readonly #perMs: number;
  readonly #users: number;
  readonly #order: UserOrder;
  #count = 0;
  #from = 0;

  /** In turn, no user comes again before all have come, and neighbours in number come far apart. */
  constructor(perMs: number, users: number = USERS, order: UserOrder = 'random') {
    this.#perMs = perMs;
    this.#users = users;
    this.#order = order;
  }

  lines(count: number): string[] {
    return Array.from({ length: count }, () => JSON.stringify(this.#next()));
  }

  /** The same orders as the log takes them, all arriving now. */
  entry(count: number): LogEntry {
    const rows = Array.from({ length: count }, () => this.#next());
    const source = ordersSource();
    return {
      source: source.name,
      partition: 0,
      count,
      eventTimeMs: Float64Array.from(rows, (order) => order.at),
      arrivalTimeMs: new Float64Array(count).fill(this.nowMs),
      columns: orderColumns(source, rows),
    };
  }

  #user(): number {
    if (this.#order === 'random') return this.#random.below(this.#users);
    if (this.#order !== 'in turn') {
      const hot = this.#order === 'one' ? 1 : Math.ceil(this.#users / 100);
      if (this.#random.below(2) === 0) return this.#random.below(hot);
      return hot + this.#random.below(this.#users - hot);
    }
    // A prime that divides no number of users that ends in zeros.
    return (this.#from + this.#count * 7_919) % this.#users;
  }

  /** Goes on anywhere in the turn. */
  jump(): void {
    this.#from = this.#random.below(this.#users);
  }

  #next(): Order {
    const random = this.#random;
    this.#count += 1;
    if (this.#count % this.#perMs === 0) this.nowMs += 1;
    return {
      id: `order-${this.#count.toString(36).padStart(8, '0')}`,
      at: this.nowMs - random.below(random.below(10) === 0 ? LATE_MS : SOON_MS),
      user: `user-${this.#user()}`,
      shop: `shop-${random.below(SHOPS)}`,
      amount: random.below(100_000) / 100,
      items: 1 + random.below(9),
      status: random.below(5) === 0 ? 'open' : 'paid',
    };
  }
}

/** The same orders as one columnar body. */
export function columnsOf(lines: readonly string[]): Uint8Array<ArrayBuffer> {
  const source = ordersSource();
  const rows = lines.map((line) => JSON.parse(line) as Order);
  return writeColumns(schemaFingerprint(source), rows.length, orderColumns(source, rows));
}

function ordersSource(): SourceSchema {
  const [source] = ORDERS_PLAN.sources;
  assert.ok(source !== undefined);
  return source;
}

function orderColumns(source: SourceSchema, rows: readonly Order[]): Column[] {
  return source.columns.map(({ name, type }) => {
    const cells = rows.map((order) => order[name as keyof Order]);
    return type.kind === 'string'
      ? { kind: 'string', type, values: cells.map(String), valid: null }
      : { kind: 'number', type, values: Float64Array.from(cells, Number), wide: null, valid: null };
  });
}

/** Compares the features of some users and shops with the oracle; answers how many values. */
export function checkAnswers(store: MemoryTileStore, lines: readonly string[]): number {
  const events = lines.map((line) => JSON.parse(line) as Order);
  const timeMs = store.applied.newestArrivalMs;
  let compared = 0;
  for (const { name, features, key } of ORDERS_PLAN.views) {
    const column = Object.values(key)[0] === 'user' ? 'user' : 'shop';
    for (const keyValue of new Set(events.slice(0, 40).map((order) => order[column]))) {
      const own = events
        .map((order, offset) => ({ order, offset }))
        .filter(
          ({ order }) => order[column] === keyValue && (name !== 'paid' || order.status === 'paid'),
        );
      for (const feature of features) {
        if (feature.kind !== 'aggregate') continue;
        const fast = readFeature(store, feature, keyValue, timeMs);
        const naive = naiveFeature(feature, own, timeMs);
        assert.ok(
          Object.is(fast, naive),
          `${feature.name} of ${keyValue}: ${fast} is not ${naive}`,
        );
        compared += 1;
      }
    }
  }
  return compared;
}

function readFeature(
  store: MemoryTileStore,
  feature: AggregateFeaturePlan,
  key: string,
  timeMs: number,
): unknown {
  const group = store.group(feature.group);
  const row = group.find(key);
  if (group.origins?.query(key, row, timeMs, [feature.window])) {
    return compileFinish(feature, group.origins.merged)();
  }
  group.table.query(row, timeMs);
  return compileFinish(feature, group.table)();
}

function naiveFeature(
  feature: AggregateFeaturePlan,
  own: readonly { order: Order; offset: number }[],
  timeMs: number,
): unknown {
  const window = ORDERS_PLAN.groups.find(({ id }) => id === feature.group)?.windows[feature.window];
  assert.ok(window !== undefined);
  const measure = /amount|revenue/.test(feature.name) ? 'amount' : 'items';
  const rows = own.map<OracleRow>(({ order, offset }) => ({
    eventTimeMs: order.at,
    partition: 0,
    offset,
    value: order[measure],
    pass: feature.name !== 'large_24h' || order.amount > 900,
  }));
  const type = measure === 'amount' ? ({ kind: 'float64', scale: 2 } as const) : feature.type;
  return oracleAggregate(rows, { fn: feature.fn, window, type, scale: feature.scale }, timeMs);
}
