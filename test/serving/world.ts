import { ManualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { avg, count, last, max, min, sum } from '../../src/define/aggregate.ts';
import { decimal, float64, int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, sliding, tumbling } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import type { Column, EventBatch } from '../../src/schema/batch.ts';
import type { Scalar, ValueType } from '../../src/schema/types.ts';
import { MemoryTileStore } from '../../src/store/memory-tile-store.ts';
import { SourceApplier } from '../../src/stream/source-applier.ts';

export const START_MS = Date.UTC(2001, 0, 1);

export const flights = stream('flights', {
  columns: {
    flight: string(),
    origin: string(),
    destination: string(),
    pilot: int64(),
    delay: int64().optional(),
    fare: decimal(2).optional(),
    miles: float64().optional(),
    departs: timestamp(),
  },
  eventTime: 'departs',
  id: 'flight',
  allowedLateness: '12h',
});

const airport = entity('airport', { keys: { airport: string() } });
const route = entity('route', { keys: { from_airport: string(), to_airport: string() } });
const pilot = entity('pilot', { keys: { pilot: int64() } });

export const airportDelays = view('airport_delays', {
  version: 1,
  source: flights,
  entity: airport,
  key: { airport: 'origin' },
  owner: 'ops',
  freshness: '5s',
  features: (flight) => ({
    departures_1h: count().over(sliding('1h')),
    delay_sum: sum(flight.delay).over(lifetime()),
    late_3h: count()
      .where(flight.delay.gt(15))
      .over(sliding('3h', { exact: true })),
    mean_delay_3h: avg(flight.delay).over(sliding('3h')),
    fare_today: sum(flight.fare).over(tumbling('1d')),
    last_destination: last(flight.destination).over(sliding('6h')),
    greatest_delay: max(flight.delay).over(sliding('6h')).default(-1),
  }),
  derived: (feature) => ({
    late_share: feature.late_3h.div(feature.departures_1h),
  }),
});

export const routeDelays = view('route_delays', {
  version: 2,
  source: flights,
  entity: route,
  key: { from_airport: 'origin', to_airport: 'destination' },
  filter: (flight) => flight.miles.gt(10),
  features: (flight) => ({
    shortest: min(flight.miles).over(sliding('1d')),
    miles_sum: sum(flight.miles).over(sliding('6h')),
  }),
});

export const pilotFlights = view('pilot_flights', {
  version: 1,
  source: flights,
  entity: pilot,
  key: { pilot: 'pilot' },
  features: () => ({ flights_1d: count().over(sliding('1d')) }),
});

export const airportNow = service('airport_now', { version: 1, features: [airportDelays.all()] });

export const lateFlight = service('late_flight', {
  version: 3,
  features: [
    routeDelays.pick('miles_sum', { shortest_leg: 'shortest' }),
    airportDelays.pick('late_share', 'mean_delay_3h'),
    pilotFlights.all(),
  ],
});

export const DEFINITIONS = [flights, airportNow, lateFlight];

export type Row = Readonly<Record<string, Scalar>>;

/** A store that is fed row by row, with its plan and the rows it has applied. */
export class ServingWorld {
  readonly plan: ProjectPlan;
  readonly store = new MemoryTileStore();
  readonly clock = new ManualClock(START_MS);
  readonly batches: EventBatch[] = [];
  readonly #applier: SourceApplier;

  constructor(definitions: readonly unknown[] = DEFINITIONS) {
    this.plan = compileProject(definitions);
    const [source] = this.plan.sources;
    if (source === undefined) throw new RangeError('the plan has a source');
    const feeds = this.plan.groups.map((plan) => ({
      plan,
      group: this.store.addGroup(plan.id, plan, plan.entity),
    }));
    this.#applier = new SourceApplier(source, feeds);
  }

  /** Applies one commit of rows that all arrive at `arrivalMs`. */
  apply(rows: readonly Row[], arrivalMs: number): void {
    const columns = this.plan.sources[0]?.columns ?? [];
    const before = this.batches.reduce((total, batch) => total + batch.count, 0);
    const batch: EventBatch = {
      source: 'flights',
      partition: 0,
      firstOffset: before,
      commit: this.batches.length + 1,
      count: rows.length,
      eventTimeMs: Float64Array.from(rows, (row) => Number(row.departs)),
      arrivalTimeMs: new Float64Array(rows.length).fill(arrivalMs),
      columns: columns.map(({ name, type }) =>
        columnOf(
          rows.map((row) => row[name] ?? null),
          type,
        ),
      ),
    };
    this.applyBatch(batch);
    this.clock.advanceTo(arrivalMs);
  }

  applyBatch(batch: EventBatch): void {
    this.batches.push(batch);
    const { applied } = this.store;
    applied.observe(batch);
    for (const group of this.store.groups) group.advanceTo(applied.newestArrivalMs);
    this.#applier.apply(batch);
    applied.finish(batch.commit);
  }
}

const AIRPORTS = ['ATL', 'JFK', 'SFO', 'ORD'];

/** Rows of one commit around a time, some late, some with nulls and wide integers. */
export function randomRows(seed: number, count: number, aroundMs: number): Row[] {
  const random = seededRandom(seed);
  const maybe = (value: Scalar): Scalar => (random.below(8) === 0 ? null : value);
  return Array.from({ length: count }, (_, i) => ({
    flight: `f${seed}-${i}`,
    origin: random.pick(AIRPORTS),
    destination: random.pick(AIRPORTS),
    pilot: random.below(10) === 0 ? 2n ** 60n : random.below(3),
    delay: maybe(random.below(50) === 0 ? 2n ** 62n : random.below(90) - 20),
    fare: maybe(random.below(100_000)),
    miles: maybe(random.below(20_000) / 7),
    departs: aroundMs - random.below(6 * 3_600_000),
  }));
}

function columnOf(cells: readonly Scalar[], type: ValueType): Column {
  const valid = cells.includes(null)
    ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1))
    : null;
  if (type.kind === 'string') {
    return { kind: 'string', type, values: cells.map((cell) => String(cell ?? '')), valid };
  }
  const isWide = cells.some((cell) => typeof cell === 'bigint');
  const wide = isWide ? BigInt64Array.from(cells, (cell) => BigInt(cell ?? 0)) : null;
  const values = Float64Array.from(cells, (cell) => Number(cell ?? 0));
  return { kind: 'number', type, values, wide, valid };
}
