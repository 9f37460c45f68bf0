import { count } from '../../src/define/aggregate.ts';
import {
  bool,
  decimal,
  float64,
  int64,
  string,
  timestamp,
  vector,
} from '../../src/define/column.ts';
import { countDistinct, histogram, lastN } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { latest } from '../../src/define/latest.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime } from '../../src/define/window.ts';

/** What Feast's own examples are about, with every type of value that its protocol carries. */
export const driverEvents = stream('driver_events', {
  columns: {
    event: string(),
    driver: int64(),
    region: string().optional(),
    conv_rate: float64().optional(),
    trips: int64().optional(),
    grade: string().optional(),
    fare: decimal(2).optional(),
    active: bool().optional(),
    seen: timestamp().optional(),
    place: vector(2).optional(),
    at: timestamp(),
  },
  eventTime: 'at',
  id: 'event',
  allowedLateness: '48h',
});

const driver = entity('driver', { keys: { driver_id: int64() } });
const driverRegion = entity('driver_region', { keys: { driver_id: int64(), region_id: string() } });

const statsV1 = view('driver_stats', {
  version: 1,
  source: driverEvents,
  entity: driver,
  key: { driver_id: 'driver' },
  features: (event) => ({ daily_trips: latest(event.trips) }),
});

export const driverStats = view('driver_stats', {
  version: 2,
  source: driverEvents,
  entity: driver,
  key: { driver_id: 'driver' },
  features: (event) => ({
    conv_rate: latest(event.conv_rate),
    daily_trips: latest(event.trips),
    name: latest(event.grade).default('new'),
    last_fare: latest(event.fare),
    is_active: latest(event.active),
    last_seen: latest(event.seen),
    fresh_trips: latest(event.trips, { ttl: '1h' }),
    place: latest(event.place),
    events: count().over(lifetime()),
    regions: countDistinct(event.region).over(lifetime()),
    by_region: histogram(event.region).over(lifetime()),
    last_rates: lastN(event.conv_rate, 3).over(lifetime()),
  }),
});

export const regionStats = view('region_stats', {
  version: 1,
  source: driverEvents,
  entity: driverRegion,
  key: { driver_id: 'driver', region_id: 'region' },
  features: (event) => ({
    events: count().over(lifetime()),
    region_rate: latest(event.conv_rate),
  }),
});

export const DRIVERS = [
  driverEvents,
  statsV1,
  driverStats,
  regionStats,
  service('driver_old', { version: 1, features: [statsV1.all()] }),
  service('driver_activity', {
    version: 1,
    features: [driverStats.pick('conv_rate', { trips: 'daily_trips' })],
    request: { to_add: int64(), factor: int64().optional() },
    onDemand: ({ request, feature }) => ({ trips_plus: feature.trips.add(request.to_add) }),
  }),
  service('driver_activity', {
    version: 2,
    features: [
      driverStats.pick('conv_rate'),
      regionStats.pick('region_rate', { seen_in: 'events' }),
    ],
  }),
];
