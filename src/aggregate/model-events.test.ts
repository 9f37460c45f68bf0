import type { Random } from '../base/random.ts';
import type { Retractions } from '../schema/batch.ts';
import { canonicalInteger, type Scalar, type ValueType } from '../schema/types.ts';
import type { OraclePosition, OracleRow } from './oracle-rows.ts';
import { quantize } from './quantize.ts';
import type { KernelInput, Lane } from './spec.ts';

/** The measures of the model, one lane each; `units` is `price` quantized, as sums read it. */
export const MEASURES = {
  rows: { type: { kind: 'bool' } },
  whole: { type: { kind: 'int64' } },
  price: { type: { kind: 'float64', scale: 2 } },
  units: { type: { kind: 'float64', scale: 2 } },
  name: { type: { kind: 'string' } },
  flag: { type: { kind: 'bool' } },
  // As `whole` and `name`, with nulls that are values.
  whole_or_null: { type: { kind: 'int64' } },
  name_or_null: { type: { kind: 'string' } },
} as const satisfies Record<string, { type: ValueType }>;

export type Measure = keyof typeof MEASURES;

export const LANES = Object.keys(MEASURES) as readonly Measure[];

export interface ModelEvent {
  /** -1 is left out, as an event without a key is. */
  readonly key: number;
  readonly timeMs: number;
  readonly arrivalMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly values: Readonly<Record<Measure, Scalar>>;
  readonly pass: Readonly<Record<Measure, boolean>>;
  /** Of a row that takes an event back: where that event stands. */
  readonly retracts?: OraclePosition;
}

const NAMES = ['', 'a', 'ab', 'b', 'z', 'ß', '가', '\uffff', '😀', '𐀀', 'zz'];
const EDGES = [0n, 1n, -1n, 2n ** 53n - 1n, 1n - 2n ** 53n, 2n ** 27n + 1n, -(2n ** 26n)];
const WIDE_EDGES = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 2n ** 60n + 12_345n];

export interface EventPlace {
  readonly key: number;
  readonly timeMs: number;
  readonly partition: number;
  readonly offset: number;
  /** Share of integers beyond 2^53. */
  readonly wideShare: number;
}

/** A random event: values of all sizes, nulls, filters that fail, ties and edges. */
export function modelEvent(random: Random, place: EventPlace): ModelEvent {
  const { wideShare, ...where } = place;
  const arrivalMs = place.timeMs + random.below(3);
  const whole =
    random.next() < wideShare
      ? random.pick(WIDE_EDGES)
      : random.below(3) === 0
        ? random.pick(EDGES)
        : BigInt(random.below(2_000) - 1_000);
  const price = random.pick([0.125, -2.5, 1e9, 0.005, 3]) * random.below(1_000) + 0;
  const orNull = (value: Scalar): Scalar => (random.below(8) === 0 ? null : value);
  const passes = (): boolean => random.below(5) !== 0;
  const measured = orNull(price);
  const own = { whole: orNull(canonicalInteger(whole)), name: orNull(random.pick(NAMES)) };
  return {
    ...where,
    arrivalMs,
    values: {
      rows: true,
      price: measured,
      units: measured,
      flag: orNull(random.below(2) === 0),
      ...own,
      whole_or_null: own.whole,
      name_or_null: own.name,
    },
    pass: {
      rows: passes(),
      whole: passes(),
      price: passes(),
      units: passes(),
      name: passes(),
      flag: passes(),
      whole_or_null: passes(),
      name_or_null: passes(),
    },
  };
}

export function oracleRows(events: readonly ModelEvent[], measure: Measure): OracleRow[] {
  return events.map((event) => ({
    eventTimeMs: event.timeMs,
    arrivalTimeMs: event.arrivalMs,
    partition: event.partition,
    offset: event.offset,
    value: event.values[measure],
    pass: event.pass[measure],
    retracts: event.retracts ?? null,
  }));
}

/** The row that takes an event back. */
export function retractionOf(event: ModelEvent, partition: number, offset: number): ModelEvent {
  const { partition: itsPartition, offset: itsOffset } = event;
  const retracts = { partition: itsPartition, offset: itsOffset };
  return { ...event, arrivalMs: event.arrivalMs + 1, partition, offset, retracts };
}

/** The rows of a random event or of one that takes an earlier one back; `live` are what can be. */
export function eventOrRetraction(
  random: Random,
  place: EventPlace,
  live: ModelEvent[],
): ModelEvent {
  const at = random.below(live.length * 3 + 6);
  const event = live[at];
  if (event !== undefined) {
    live.splice(at, 1);
    return retractionOf(event, place.partition, place.offset);
  }
  const fresh = modelEvent(random, place);
  if (fresh.key >= 0) live.push(fresh);
  return fresh;
}

/** The events as the kernel takes them; they must stand at dense offsets of one partition. */
export function kernelInput(
  events: readonly ModelEvent[],
  partition: number,
  firstOffset: number,
): KernelInput {
  return {
    count: events.length,
    partition,
    firstOffset,
    eventTimeMs: Float64Array.from(events, (event) => event.timeMs),
    arrivalTimeMs: Float64Array.from(events, (event) => event.arrivalMs),
    lanes: LANES.map((measure) => laneOf(events, measure)),
    retractions: retractionsOf(events),
  };
}

function retractionsOf(events: readonly ModelEvent[]): Retractions | null {
  if (events.every(({ retracts }) => retracts === undefined)) return null;
  return {
    weights: Int8Array.from(events, ({ retracts }) => (retracts === undefined ? 1 : -1)),
    partitions: Int32Array.from(events, (event) => (event.retracts ?? event).partition),
    offsets: Float64Array.from(events, (event) => (event.retracts ?? event).offset),
  };
}

function laneOf(events: readonly ModelEvent[], measure: Measure): Lane {
  const isNullable = measure === 'whole_or_null' || measure === 'name_or_null';
  const pass = Uint8Array.from(events, (event) =>
    event.pass[measure] && (isNullable || event.values[measure] !== null) ? 1 : 0,
  );
  const exists = Uint8Array.from(events, (event) => (event.values[measure] === null ? 0 : 1));
  const valid = isNullable ? exists : null;
  if (measure === 'name' || measure === 'name_or_null') {
    const values = events.map((event) => event.values[measure] as string);
    return { kind: 'string', values, pass, valid };
  }
  const numbers = events.map(({ values }) => values[measure] ?? 0);
  const values = Float64Array.from(numbers, (value) =>
    measure === 'units' ? quantize(Number(value), MEASURES.units.type.scale) : Number(value),
  );
  const isWide = numbers.some((value) => typeof value === 'bigint');
  const wide = isWide ? BigInt64Array.from(numbers, (value) => BigInt(value)) : null;
  return { kind: 'number', values, wide, pass, valid };
}
