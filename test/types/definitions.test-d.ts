import {
  avg,
  bool,
  count,
  countDistinct,
  decimal,
  type EventOf,
  type Expression,
  entity,
  firstN,
  float64,
  histogram,
  int64,
  last,
  lastN,
  lifetime,
  max,
  median,
  quantile,
  type ServiceKeys,
  type ServiceValues,
  service,
  session,
  sliding,
  stddev,
  stream,
  string,
  sum,
  timestamp,
  topK,
  tumbling,
  variance,
  vector,
  view,
  when,
} from '../../src/index.ts';
import { same } from './same.ts';

const airport = entity('airport', { keys: { airport: string() } });
const route = entity('route', { keys: { origin: string(), number: int64() } });

const flights = stream('flights', {
  columns: {
    flight: string(),
    origin: string(),
    destination: string(),
    number: int64(),
    delay: int64().optional().min(-1440),
    fare: decimal(2),
    tax: decimal(4),
    weight: float64({ scale: 3 }),
    cancelled: bool(),
    departs: timestamp(),
    known: timestamp(),
    note: timestamp().optional(),
    embedding: vector(8),
  },
  eventTime: 'departs',
  arrivalTime: 'known',
  id: 'flight',
  allowedLateness: '12h',
  maxClockSkew: '1m',
  dedupeHorizon: '24h',
  owner: 'ops',
  tags: ['x'],
  partitions: 1,
});

const originDelays = view('origin_delays', {
  version: 1,
  source: flights,
  entity: airport,
  key: { airport: 'origin' },
  owner: 'ops',
  freshness: '5s',
  filter: (flight) => flight.delay.isNotNull().and(flight.cancelled.not()),
  features: (flight) => ({
    departures_24h: count().over(sliding('24h')),
    mean_delay_3h: avg(flight.delay).over(sliding('3h')),
    late_24h: count()
      .where(flight.delay.gt(15))
      .over(sliding('24h', { hop: '15m' })),
    longest_today: max(flight.delay)
      .over(tumbling('1d', { offset: '5h' }))
      .default(0),
    last_destination: last(flight.destination).over(lifetime()),
    last_seen: last(flight.departs).over(lifetime()),
    was_cancelled: last(flight.cancelled).over(lifetime()).default(false),
    spread_7d: stddev(flight.delay, { sample: true, scale: 3 }).over(
      sliding('7d', { complete: true }),
    ),
    weight_var: variance(flight.weight).over(sliding('7d')),
    weight_mean: avg(flight.weight).over(sliding('7d')).as('float16').default(0),
    exact_10m: sum(flight.delay)
      .over(sliding('10m', { exact: true }))
      .describe('…')
      .tag('x'),
    fares: sum(flight.fare).over(lifetime()),
    late_flag: sum(when(flight.delay.gt(15), 1, 0)).over(sliding('1h')),
  }),
  derived: (feature) => ({
    late_share: feature.late_24h.div(feature.departures_24h).default(0),
    mean_or_zero: feature.mean_delay_3h.coalesce(0).describe('Never null in practice.'),
    delay_share: feature.mean_delay_3h.div(feature.weight_mean).as('float32'),
    went_to_atl: feature.last_destination.eq('ATL'),
  }),
});

const routeDelays = view('route_delays', {
  version: 1,
  source: flights,
  entity: route,
  key: { origin: 'origin', number: 'number' },
  features: (flight) => ({
    flights_7d: count().over(sliding('7d')),
    fares: sum(flight.fare).over(lifetime()),
  }),
});

const lateFlight = service('late_flight', {
  version: 1,
  features: [
    originDelays.pick('mean_delay_3h', 'late_24h', 'late_share'),
    originDelays.pick({ longest: 'longest_today' }, 'last_destination'),
    routeDelays.all(),
  ],
});

same<
  ServiceValues<typeof lateFlight>,
  {
    mean_delay_3h: number | null;
    late_24h: number;
    late_share: number;
    longest: number | bigint;
    last_destination: string | null;
    flights_7d: number;
    fares: number | null;
  }
>();
same<
  ServiceKeys<typeof lateFlight>,
  { airport: string; origin: string; number: number | bigint }
>();

const everything = service('everything', { version: 1, features: [originDelays.all()] });
same<
  ServiceValues<typeof everything>,
  {
    departures_24h: number;
    mean_delay_3h: number | null;
    late_24h: number;
    longest_today: number | bigint;
    last_destination: string | null;
    last_seen: number | null;
    was_cancelled: boolean;
    spread_7d: number | null;
    weight_var: number | null;
    weight_mean: number;
    exact_10m: number | bigint | null;
    fares: number | null;
    late_flag: number | bigint | null;
    late_share: number;
    mean_or_zero: number | null;
    delay_share: number | null;
    went_to_atl: boolean | null;
  }
>();
same<ServiceKeys<typeof everything>, { airport: string }>();

// Lists and histograms hold values of their column's type, and are null for an empty window.
const spread = view('spread', {
  version: 1,
  source: flights,
  entity: airport,
  key: { airport: 'origin' },
  state: { keys: 1000, budget: '512MB', atLimit: 'stop' },
  features: (flight) => ({
    places: countDistinct(flight.destination, { exactUpTo: 64 }).over(session('30m')),
    typical: median(flight.delay).over(sliding('7d')),
    heavy: quantile(flight.weight, 0.99, { relativeError: 0.01 }).over(sliding('7d')).default(0),
    price: quantile(flight.fare, 0.5).over(lifetime()),
    top: topK(flight.destination, 3, { maxDistinct: 500 }).over(lifetime()),
    delays: histogram(flight.delay).over(lifetime()),
    by_state: histogram(flight.cancelled).over(tumbling('1d')),
    recent: lastN(flight.weight, 5).over(lifetime()).describe('…').tag('x'),
    earliest: firstN(flight.fare, 5).over(lifetime()),
  }),
  derived: (feature) => ({ crowded: feature.places.gt(10) }),
});
const distribution = service('distribution', { version: 1, features: [spread.all()] });
same<
  ServiceValues<typeof distribution>,
  {
    places: number;
    typical: number | bigint | null;
    heavy: number;
    price: number | null;
    top: readonly string[] | null;
    delays: readonly { readonly value: number | bigint; readonly count: number }[] | null;
    by_state: readonly { readonly value: boolean; readonly count: number }[] | null;
    recent: readonly number[] | null;
    earliest: readonly number[] | null;
    crowded: boolean | null;
  }
>();

const changes = stream('changes', {
  columns: { order: string(), op: string(), lsn: int64(), at: timestamp() },
  eventTime: 'at',
  id: 'order',
  changes: { column: 'op', sequence: 'lsn', shape: 'envelope', delete: ['x'], horizon: '3d' },
});
same<(typeof changes)['name'], 'changes'>();

// Features that a definition has only under a condition are optional in its values.
const conditional = view('conditional', {
  version: 1,
  source: flights,
  entity: airport,
  key: { airport: 'origin' },
  features: (flight) => ({
    n: count().over(sliding('1h')),
    ...(everything.version > 1 ? { mean: avg(flight.delay).over(sliding('1h')) } : {}),
  }),
});
const maybe = service('maybe', { version: 1, features: [conditional.all()] });
same<ServiceValues<typeof maybe>, { n: number; mean?: number | null }>();

// Aliases of one pick and names of another meet in one record.
const renamed = service('renamed', {
  version: 1,
  features: [originDelays.pick('late_24h'), routeDelays.pick({ a: 'flights_7d', b: 'flights_7d' })],
});
same<ServiceValues<typeof renamed>, { late_24h: number; a: number; b: number }>();

const [event] = [] as EventOf<typeof flights.columns>[];
if (event !== undefined) {
  same<typeof event.origin, Expression<'string'>>();
  same<ReturnType<typeof event.departs.sub<typeof event.known>>, Expression<'int64'>>();
  // @ts-expect-error a string has no arithmetic
  event.origin.add(1);
  // @ts-expect-error two timestamps cannot be added
  event.departs.add(event.known);
  // @ts-expect-error a decimal is multiplied by whole numbers only
  event.fare.mul(event.tax);
  // @ts-expect-error a float64 has no whole division
  event.weight.intDiv(2);
  // @ts-expect-error a bool has no order
  event.cancelled.lt(true);
  // @ts-expect-error a list holds values of the column's type
  event.origin.in(['ATL', 1]);
  // @ts-expect-error the default has the feature's type
  last(event.destination).over(lifetime()).default(0);
  // @ts-expect-error a duration has a unit
  sliding('10');
  // @ts-expect-error a bound has the column's type
  int64().min('0');
  // @ts-expect-error a bool has no bounds
  bool().min(true);
  // @ts-expect-error a join key is never null
  entity('e', { keys: { k: string().optional() } });
}
