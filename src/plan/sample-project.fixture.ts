import { avg, count, last, max, stddev, sum } from '../define/aggregate.ts';
import { decimal, float64, int64, string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime, sliding, tumbling } from '../define/window.ts';

/** Definitions for the tests of this folder. */
export const airport = entity('airport', { keys: { airport: string() } });

export const columns = {
  flight: string(),
  origin: string(),
  destination: string(),
  delay: int64().optional(),
  fare: decimal(2).min(0),
  weight: float64({ scale: 3 }),
  departs: timestamp(),
  known: timestamp(),
};

export const flightOptions = {
  columns,
  eventTime: 'departs',
  arrivalTime: 'known',
  id: 'flight',
  allowedLateness: '12h',
} as const;

export const flights = stream('flights', flightOptions);

export const shape = {
  version: 1,
  source: flights,
  entity: airport,
  key: { airport: 'origin' },
} as const;

export const originDelays = view('origin_delays', {
  ...shape,
  owner: 'ops',
  freshness: '5s',
  filter: (flight) => flight.delay.isNotNull(),
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
    spread_7d: stddev(flight.weight, { sample: true }).over(sliding('7d', { complete: true })),
    fares_7d: sum(flight.fare).over(sliding('7d')).default(1.5),
  }),
  derived: (feature) => ({
    late_share: feature.late_24h.div(feature.departures_24h).default(0),
  }),
});

export const lateFlight = service('late_flight', {
  version: 1,
  features: [
    originDelays.pick('mean_delay_3h', 'late_24h', { share: 'late_share' }, 'last_destination'),
  ],
});
