import {
  avg,
  count,
  csv,
  dataset,
  entity,
  float64,
  int64,
  last,
  latest,
  lifetime,
  max,
  quantile,
  service,
  sliding,
  spineQuery,
  stddev,
  stream,
  string,
  table,
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

/** Where airports are: a table, whose rows say from when they hold and since when that is known. */
export const airports = table('airports', {
  columns: {
    iata: string(),
    state: string().optional(),
    latitude: float64(),
    longitude: float64(),
    since: timestamp(),
    known: timestamp(),
  },
  from: csv('airports.csv'),
  key: ['iata'],
  eventTime: 'since',
  knownAt: 'known',
});

export const originPlace = view('origin_place', {
  version: 1,
  source: airports,
  entity: originAirport,
  key: { origin: 'iata' },
  features: (airport) => ({
    origin_state: latest(airport.state),
    origin_latitude: latest(airport.latitude),
    origin_longitude: latest(airport.longitude),
  }),
});

export const destinationPlace = view('destination_place', {
  version: 1,
  source: airports,
  entity: destinationAirport,
  key: { destination: 'iata' },
  features: (airport) => ({
    destination_state: latest(airport.state),
    destination_latitude: latest(airport.latitude),
    destination_longitude: latest(airport.longitude),
  }),
});

/** What the model "will this flight be more than 15 minutes late" reads. */
export const lateFlight = service('late_flight', {
  version: 1,
  features: [
    originDelays.all(),
    destinationDelays.all(),
    routeDelays.pick('route_mean_delay_7d', 'route_flights_24h'),
    originPlace.all(),
    destinationPlace.all(),
  ],
});

/** Every eighth flight, with what became of it; the first week only fills the windows. */
const spine = spineQuery(
  { flights },
  `SELECT flight, origin, destination, departs AS event_time, delay > 15 AS late
   FROM flights
   WHERE departs >= TIMESTAMP '2001-01-08' AND CAST(substr(flight, 2) AS INTEGER) % 8 = 0
   ORDER BY flight`,
);

/** Joined on what was known a second before departure: a flight on time tells of itself then. */
export const honest = dataset('late_flight_honest', {
  version: 1,
  service: lateFlight,
  spine,
  servingDelay: '1s',
});

/** Joined on the date of departure alone, delays of flights that were still in the air included. */
export const leaky = dataset('late_flight_leaky', {
  version: 1,
  service: lateFlight,
  spine,
  known: 'final',
});
