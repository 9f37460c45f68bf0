import type { KeptFloat } from '../schema/kept-float.ts';
import type { Scalar, ValueType } from '../schema/types.ts';
import type { AggregateFn } from './spec.ts';
import { type WindowSpec, windowRange } from './window.ts';

/** One event as the oracle sees it: its place in the total order, its value, and the filter. */
export interface OracleRow {
  readonly eventTimeMs: number;
  /** Of rows that `latest` is asked of. */
  readonly arrivalTimeMs?: number;
  readonly partition: number;
  readonly offset: number;
  /** The measure; null is skipped, save by `latest`. For `count()` of rows any value but null will do. */
  readonly value: Scalar;
  /** Whether the feature's own filter is true. */
  readonly pass: boolean;
  /** Where the event stands that this row takes back; null for an event. */
  readonly retracts?: OraclePosition | null;
}

export interface OraclePosition {
  readonly partition: number;
  readonly offset: number;
}

export interface OracleFeature {
  readonly fn: AggregateFn;
  readonly window: WindowSpec;
  /** Type of the measure; a float64 is summed in units of 10^-scale. */
  readonly type: ValueType;
  readonly scale: number;
  /** `size` of the accumulator that holds several entries: what it keeps. */
  readonly size?: number | null;
  readonly count?: number | null;
  readonly rankPpm?: number | null;
  readonly ttlMs?: number | null;
  /** The format that the result is rounded to. */
  readonly kept?: KeptFloat | null;
  readonly retractable?: boolean;
  /** Of a retractable session: how many event times are kept. */
  readonly keep?: number;
}

/** The events of a window, in the total order, taken back or not. */
export interface OracleInputs {
  readonly gross: readonly OracleRow[];
  /** Those that nothing takes back. */
  readonly live: readonly OracleRow[];
}

/** What the feature's window counts at a time; null where that is known no more. */
export function oracleInputs(
  rows: Iterable<OracleRow>,
  feature: OracleFeature,
  timeMs: number,
): OracleInputs | null {
  const all = [...rows];
  const taken = new Set(all.flatMap(({ retracts }) => (retracts ? [placeOf(retracts)] : [])));
  const events = all.filter((row) => !row.retracts && row.eventTimeMs <= timeMs);
  const isLive = (row: OracleRow): boolean => !taken.has(placeOf(row));
  const range =
    feature.window.kind === 'session'
      ? sessionRange(events, isLive, feature, feature.window.gapMs, timeMs)
      : windowRange(feature.window, timeMs);
  if (range === null) return null;
  const gross = events
    .filter((row) => row.pass && (row.value !== null || feature.fn === 'latest'))
    .filter((row) => row.eventTimeMs >= range.startMs && row.eventTimeMs < range.endMs)
    .sort(inTotalOrder);
  return { gross, live: gross.filter(isLive) };
}

const NOTHING = { startMs: 0, endMs: 0 };

/**
 * The chain that ends in the newest event (semantics §5). Where events can be taken back, only the
 * newest times are kept; null where the chain may go on among those that are not.
 */
function sessionRange(
  events: readonly OracleRow[],
  isLive: (row: OracleRow) => boolean,
  feature: OracleFeature,
  gapMs: number,
  timeMs: number,
): { startMs: number; endMs: number } | null {
  const times = [...new Set(events.map((row) => row.eventTimeMs))].sort((a, b) => b - a);
  const keep = feature.retractable ? (feature.keep ?? 0) : times.length;
  const newestDropped = times[keep] ?? Number.NEGATIVE_INFINITY;
  const alive = new Set(events.filter(isLive).map((row) => row.eventTimeMs));
  const chain = times.slice(0, keep).filter((ms) => alive.has(ms));
  const [newest] = chain;
  if (newest === undefined) return timeMs - newestDropped <= gapMs ? null : NOTHING;
  if (timeMs - newest > gapMs) return NOTHING;
  let startMs = newest;
  for (const before of chain) {
    if (startMs - before > gapMs) return { startMs, endMs: newest + 1 };
    startMs = before;
  }
  return startMs - newestDropped <= gapMs ? null : { startMs, endMs: newest + 1 };
}

/** (event_time, partition, offset), semantics §3. */
function inTotalOrder(a: OracleRow, b: OracleRow): number {
  return a.eventTimeMs - b.eventTimeMs || a.partition - b.partition || a.offset - b.offset;
}

function placeOf({ partition, offset }: OraclePosition): string {
  return `${partition}:${offset}`;
}
