import { type Random, seededRandom } from '../../src/base/random.ts';
import type { EventRelations } from '../../src/batch/event-relations.ts';
import { count, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { sliding } from '../../src/define/window.ts';
import { sqlName } from '../../src/ingest/archive-relation.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { compileProject } from '../../src/plan/compile.ts';

const user = entity('user', { keys: { user: string() } });
const columns = { user: string(), amount: int64(), at: timestamp() };
const orders = stream('orders', { columns, eventTime: 'at', allowedLateness: '10d' });
const visits = stream('visits', { columns, eventTime: 'at', allowedLateness: '10d' });
const ordered = view('ordered', {
  version: 1,
  source: orders,
  entity: user,
  key: { user: 'user' },
  features: (order) => ({
    orders_1d: count().over(sliding('1d')),
    orders_30m: count().over(sliding('30m', { exact: true })),
    spent_7d: sum(order.amount).over(sliding('7d')),
  }),
});
const visited = view('visited', {
  version: 1,
  source: visits,
  entity: user,
  key: { user: 'user' },
  features: () => ({ visits_1d: count().over(sliding('1d')) }),
});
const buys = service('buys', {
  version: 1,
  features: [ordered.all(), visited.all()],
  request: { cart: int64().optional() },
});

export const LEAKY_PLAN = compileProject([user, orders, visits, ordered, visited, buys]);

const DAY_MS = 86_400_000;
const START_MS = 1_700_006_400_000 - (1_700_006_400_000 % DAY_MS);

export interface WorldEvent {
  user: string;
  amount: number;
  eventTimeMs: number;
  arrivalTimeMs: number;
}

export interface WorldRow {
  user: string;
  timeMs: number;
  label: number;
  cart: number;
  resolvedMs: number;
}

export interface LeakyWorld {
  readonly orders: WorldEvent[];
  readonly visits: WorldEvent[];
  readonly rows: WorldRow[];
}

/** More by day than by night, as what people do is. */
function timeOfDay(random: Random, peakHour: number): number {
  const spread = random.below(1_000) + random.below(1_000) + random.below(1_000) - 1_500;
  const hour = (peakHour + (spread / 1_500) * 9 + 24) % 24;
  return Math.floor(hour * 3_600_000) + random.below(1_000);
}

function someEvents(random: Random, events: number, peakHour: number): WorldEvent[] {
  return Array.from({ length: events }, () => {
    const eventTimeMs = START_MS + random.below(20) * DAY_MS + timeOfDay(random, peakHour);
    const late = random.below(20) === 0 ? random.below(6 * 3_600_000) : random.below(40_000);
    const own = { user: `u${random.below(60)}`, amount: random.below(500) };
    return { ...own, eventTimeMs, arrivalTimeMs: eventTimeMs + late };
  });
}

/** A training set with nothing wrong in it: labels follow what was known, with much chance. */
export function cleanWorld(seed: number): LeakyWorld {
  const random = seededRandom(seed);
  const made = { orders: someEvents(random, 4_000, 14), visits: someEvents(random, 4_000, 15) };
  const rows = Array.from({ length: 600 }, (): WorldRow => {
    const timeMs = START_MS + random.below(20) * DAY_MS + timeOfDay(random, 16);
    const own = `u${random.below(60)}`;
    const recent = made.orders.filter(
      (one) => one.user === own && one.arrivalTimeMs <= timeMs && one.eventTimeMs > timeMs - DAY_MS,
    ).length;
    const label = random.below(10) < Math.min(7, 2 + recent) ? 1 : 0;
    const resolvedMs = timeMs + DAY_MS + random.below(DAY_MS);
    return { user: own, timeMs, label, cart: random.below(200), resolvedMs };
  });
  return { ...made, rows };
}

/** Tables of a world, and the history over them. */
export async function loadWorld(
  session: DuckDbSession,
  world: LeakyWorld,
): Promise<EventRelations> {
  for (const name of ['orders', 'visits'] as const) {
    const rows = world[name].map(({ user: own, amount, eventTimeMs, arrivalTimeMs }, at) => {
      return `(${at}, 0, ${at}, ${eventTimeMs}, ${arrivalTimeMs}, '${own}', ${amount}, ${eventTimeMs})`;
    });
    await session.run(`CREATE OR REPLACE TABLE ${name} (__commit BIGINT, __partition INTEGER,
      __offset BIGINT, __event_time BIGINT, __arrival_time BIGINT, "user" VARCHAR, amount BIGINT,
      "at" BIGINT); INSERT INTO ${name} VALUES ${rows.join(', ')}`);
  }
  const rows = world.rows.map(({ user: own, timeMs, label, cart, resolvedMs }) => {
    return `('${own}', make_timestamp_ms(${timeMs}), ${label}, ${cart}, ${resolvedMs})`;
  });
  await session.run(`CREATE OR REPLACE TABLE labels ("user" VARCHAR, event_time TIMESTAMP,
    label INTEGER, cart BIGINT, resolved BIGINT); INSERT INTO labels VALUES ${rows.join(', ')}`);
  return { through: 1, attach: async (_, source) => sqlName(source.name) };
}
