import {
  bool,
  count,
  csv,
  dataset,
  decimal,
  entity,
  float64,
  int64,
  label,
  latest,
  lifetime,
  max,
  parquet,
  query,
  type ServiceKeys,
  type ServiceRequest,
  type ServiceValues,
  service,
  spineEvents,
  spineFile,
  stream,
  string,
  type Table,
  table,
  timestamp,
  topK,
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
    delay: int64().optional(),
    fare: decimal(2),
    cancelled: bool(),
    departs: timestamp(),
    known: timestamp(),
  },
  eventTime: 'departs',
});

const spread = view('spread', {
  version: 1,
  source: flights,
  entity: airport,
  key: { airport: 'origin' },
  features: (flight) => ({ top: topK(flight.destination, 3).over(lifetime()) }),
});
const everything = service('everything', { version: 1, features: [spread.all()] });

// Attributes of a table: a null in the newest row is a value, whatever the default.
const aircraft = table('aircraft', {
  columns: {
    tail: string(),
    seats: int64().optional(),
    model: string().optional(),
    retired: bool(),
    valid_from: timestamp(),
    seen_at: timestamp(),
  },
  from: csv('aircraft/*.csv', { delimiter: ';' }),
  key: ['tail'],
  eventTime: 'valid_from',
  knownAt: 'seen_at',
  unitBy: 'tail',
  rename: { 'N-Number': 'tail' },
  expect: { seats: { min: 1, max: 900, nullShareMax: 0.1 } },
});
same<(typeof aircraft)['name'], 'aircraft'>();
const daily = table('daily', {
  columns: { tail: string(), hours: float64(), ds: string() },
  from: parquet('daily', { hive: ['ds'] }),
  eventTime: { day: 'ds', at: '6h' },
  assumedDelay: '2h',
});
const joined: Table<'joined'> = table('joined', {
  columns: { tail: string(), at: timestamp() },
  from: query({ aircraft, daily, flights }, 'SELECT …'),
  eventTime: 'at',
});
same<(typeof joined)['name'], 'joined'>();

const plane = entity('plane', { keys: { tail: string() } });
const planes = view('planes', {
  version: 1,
  source: aircraft,
  entity: plane,
  key: { tail: 'tail' },
  features: (row) => ({
    seats: latest(row.seats, { ttl: '30d' }).default(0).describe('…').tag('x'),
    model: latest(row.model, { where: row.retired.not() }),
    rows: count().over(lifetime()),
  }),
  derived: (feature) => ({ large: feature.seats.gt(200).default(false) }),
  expect: { seats: { min: 0 }, large: { nullShareMax: 0 } },
});

// On-demand features read the request and what the service picks, by its names for it.
const seatPrice = service('seat_price', {
  version: 1,
  features: [planes.pick('model', 'large', { capacity: 'seats' }), spread.pick('top')],
  request: { fare: decimal(2), note: string().optional(), asked_at: timestamp() },
  onDemand: ({ request, feature }) => ({
    fare_per_seat: request.fare.div(feature.capacity).default(0),
    is_cheap: request.fare.lt(100),
    is_known: feature.model.isNotNull().and(request.note.isNull()),
  }),
  serving: {
    timeout: '50ms',
    required: ['capacity', 'fare_per_seat'],
    accept: ['default'],
    onFailure: { lastKnown: '5m' },
  },
});
same<
  ServiceValues<typeof seatPrice>,
  {
    model: string | null;
    large: boolean;
    capacity: number | bigint | null;
    top: readonly string[] | null;
    fare_per_seat: number;
    is_cheap: boolean | null;
    is_known: boolean | null;
  }
>();
same<ServiceKeys<typeof seatPrice>, { tail: string; airport: string }>();
same<ServiceRequest<typeof seatPrice>, { fare: number; asked_at: number; note?: string | null }>();
same<ServiceRequest<typeof everything>, Record<never, never>>();

const cancellations = label({
  source: flights,
  entity: route,
  key: { origin: 'origin', number: 'number' },
  filter: (flight) => flight.cancelled,
  value: (flight) => max(when(flight.delay.gt(60), 1, 0)),
  horizon: '7d',
  delay: '1d',
}).default(0);
const rows = { tail: 'flight', airport: 'origin', fare: 'fare', asked_at: 'known' } as const;
const training = dataset('training', {
  version: 1,
  service: seatPrice,
  spine: spineEvents(flights, {
    columns: { ...rows, origin: 'origin', number: 'number' },
    filter: (flight) => flight.cancelled.not(),
  }),
  labels: { cancelled: cancellations },
});
same<(typeof training)['name'], 'training'>();
dataset('of_file', { version: 1, service: seatPrice, spine: spineFile('a.csv') });

// @ts-expect-error the view calls it seats
planes.pick('capacity');
// @ts-expect-error a label's default has its type
cancellations.default('0');
// @ts-expect-error a table takes no pushes: it is no stream
takesStream(aircraft);

function takesStream(_stream: typeof flights): void {}
