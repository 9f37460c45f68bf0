import {
  avg,
  count,
  entity,
  int64,
  last,
  lifetime,
  max,
  quantile,
  service,
  sliding,
  stddev,
  stream,
  string,
  timestamp,
  view,
} from 'asof';

export const originAirport = entity('origin_airport', { keys: { origin: string() } });
export const destinationAirport = entity('destination_airport', {
  keys: { destination: string() },
});
export const route = entity('route', { keys: { origin: string(), destination: string() } });

/**
 * One row a flight. Its delay is known when it has landed, `known`, and not when it departed:
 * that is the arrival time of the event, and what a training set must respect.
 */
export const flights = stream('flights', {
  columns: {
    flight: string(),
    origin: string(),
    destination: string(),
    delay: int64().min(-1440).max(2880),
    distance: int64().min(0),
    departs: timestamp(),
    known: timestamp(),
  },
  eventTime: 'departs',
  arrivalTime: 'known',
  id: 'flight',
  allowedLateness: '12h',
  owner: 'operations',
  description: 'Domestic flights of the United States, January to June 2001.',
});

export const originDelays = view('origin_delays', {
  version: 1,
  source: flights,
  entity: originAirport,
  key: { origin: 'origin' },
  owner: 'operations',
  freshness: '5s',
  features: (flight) => ({
    origin_flights_1h: count().over(sliding('1h')),
    origin_flights_3h: count().over(sliding('3h')),
    origin_mean_delay_1h: avg(flight.delay).over(sliding('1h')),
    origin_mean_delay_3h: avg(flight.delay).over(sliding('3h')),
    origin_mean_delay_24h: avg(flight.delay).over(sliding('24h')),
    origin_spread_3h: stddev(flight.delay).over(sliding('3h')),
    origin_worst_3h: max(flight.delay).over(sliding('3h')),
    origin_delay_p90_3h: quantile(flight.delay, 0.9).over(sliding('3h')),
    origin_late_3h: count().where(flight.delay.gt(15)).over(sliding('3h')),
  }),
  derived: (feature) => ({
    origin_late_share_3h: feature.origin_late_3h.div(feature.origin_flights_3h).default(0),
  }),
});

export const destinationDelays = view('destination_delays', {
  version: 1,
  source: flights,
  entity: destinationAirport,
  key: { destination: 'destination' },
  owner: 'operations',
  freshness: '5s',
  features: (flight) => ({
    destination_mean_delay_3h: avg(flight.delay).over(sliding('3h')),
    destination_mean_delay_24h: avg(flight.delay).over(sliding('24h')),
    destination_late_3h: count().where(flight.delay.gt(15)).over(sliding('3h')),
  }),
});

export const routeDelays = view('route_delays', {
  version: 1,
  source: flights,
  entity: route,
  key: { origin: 'origin', destination: 'destination' },
  owner: 'operations',
  features: (flight) => ({
    route_mean_delay_7d: avg(flight.delay).over(sliding('7d')),
    route_last_delay: last(flight.delay).over(lifetime()),
    route_flights_24h: count().over(sliding('24h')),
  }),
});

/** What the model "will this flight be more than 15 minutes late" reads. */
export const lateFlight = service('late_flight', {
  version: 1,
  features: [
    originDelays.all(),
    destinationDelays.all(),
    routeDelays.pick('route_mean_delay_7d', 'route_flights_24h'),
  ],
});
