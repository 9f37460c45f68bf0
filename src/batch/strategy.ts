import type { AccumulatorFn } from '../aggregate/spec.ts';
import { present } from '../base/assert.ts';
import type { Visibility } from './point-tables.ts';
import { isOpen } from './window-sql.ts';
import type { PartNeed, WorkGroup } from './work-group.ts';

export type Strategy =
  /** Every row joined with the events of its key: few events a window. */
  | 'direct'
  /** Running sums by event time at the window's bounds: what can be subtracted. */
  | 'prefix'
  /** A running aggregate in order of visibility: what only moves one way. */
  | 'running'
  /** One walk over the events and rows of each key: entries of many events. */
  | 'sweep'
  /** Whole tiles, and single events at the edges: everything else. */
  | 'tiles';

export const STRATEGIES = ['direct', 'prefix', 'running', 'sweep', 'tiles'] as const;

/** What is known of a group's rows and events before anything is joined. */
export interface GroupFacts {
  readonly rows: number;
  readonly events: number;
  /** Events of a row's key, on average over the rows. */
  readonly eventsPerRow: number;
  /** Milliseconds between the first and the last event, at least 1. */
  readonly spanMs: number;
  /** Average span of each window, within the events' span. */
  readonly windowSpansMs: readonly number[];
  /** Average and greatest time from an event to its visibility. */
  readonly delayMs: number;
  readonly delayMsMax: number;
}

/** Events that one row meets in a window, on average. */
export function eventsInWindow(facts: GroupFacts, window: number): number {
  const share = present(facts.windowSpansMs[window], 'a span a window') / facts.spanMs;
  return facts.eventsPerRow * Math.min(1, share);
}

/**
 * The cheapest right strategy of one part. Sorting and summing all events costs about as much as
 * joining 3 of them each, and the bounds of a row as much as 16 joined events (measured).
 */
export function chooseStrategy(
  group: WorkGroup,
  need: PartNeed,
  facts: GroupFacts,
  visibility: Visibility,
  forced: Strategy | null,
): Strategy {
  const eligible = eligibleStrategies(group, need, visibility);
  if (forced !== null) return eligible.has(forced) ? forced : 'tiles';
  const isSwept = eligible.has('sweep');
  if (isSwept && eventsInWindow(facts, need.window) > walkedFrom(facts)) return 'sweep';
  // A tile of entries is no shorter than its events until there are many more of these.
  const held = heldEntries(group, need);
  if (isSwept || (held > 1 && eventsInWindow(facts, need.window) <= 8 * held)) return 'direct';
  const affordable = (3 * facts.events) / Math.max(1, facts.rows) + 16;
  if (eventsInWindow(facts, need.window) <= affordable) return 'direct';
  if (eligible.has('running')) return 'running';
  return eligible.has('prefix') ? 'prefix' : 'tiles';
}

/**
 * Events in a row's window from which on a walk is cheaper than a join: it takes each event once,
 * at the cost of about 5 joined ones, and each row at that of 30 (measured).
 */
function walkedFrom(facts: GroupFacts): number {
  return (5 * facts.events) / Math.max(1, facts.rows) + 30;
}

/** What holds entries, each with its rank among those of its key. */
const ENTRIES: ReadonlySet<AccumulatorFn> = new Set([
  ...(['distinct', 'buckets', 'value_counts', 'newest', 'oldest', 'least', 'greatest'] as const),
]);

/** What only ever moves one way as events become visible. */
const ONE_WAY: ReadonlySet<AccumulatorFn> = new Set(['min', 'max', 'first', 'last']);

function eligibleStrategies(
  group: WorkGroup,
  need: PartNeed,
  visibility: Visibility,
): ReadonlySet<Strategy> {
  const { fn } = present(group.accumulators[need.accumulator], 'the group has the accumulator');
  const window = present(group.windows[need.window], 'the group has the window');
  const eligible = new Set<Strategy>(['direct', 'tiles']);
  // By position, an event may be visible before its time: only the general plans hold.
  if (visibility === 'position') return eligible;
  // A walk needs both ends of a window to move forward only.
  if (ENTRIES.has(fn) && window.kind !== 'session') eligible.add('sweep');
  if (fn === 'count' || fn === 'sum' || fn === 'sum_squares') eligible.add('prefix');
  else if (visibility === 'outcome') return eligible;
  else if (ONE_WAY.has(fn) && isOpen(window) && (fn === 'last' || window.kind === 'lifetime')) {
    eligible.add('running');
  }
  return eligible;
}

/** How many entries a tile may hold, roughly; 1 where it holds a sum or one value. */
export function heldEntries(group: WorkGroup, need: PartNeed): number {
  const { fn, size = 1 } = present(group.accumulators[need.accumulator], 'an accumulator');
  return fn === 'buckets' ? BUCKETS_OF_BIT * 2 ** size : size;
}

/** Powers of two that the values of one measure spread over, about. */
const BUCKETS_OF_BIT = 4;

/** Tiles for which reading whole tiles and reading edges cost a row about the same. */
export function tileWidthMs(facts: GroupFacts, window: number, held = 1): number {
  const tiles = Math.min(64, Math.max(1, Math.sqrt((2 * eventsInWindow(facts, window)) / held)));
  const spanMs = present(facts.windowSpansMs[window], 'a span a window');
  return Math.max(1, Math.ceil(spanMs / tiles));
}

/** Time buckets for a direct join, or null where windows hold most of a key's events anyway. */
export function joinBucketMs(facts: GroupFacts, windows: readonly number[]): number | null {
  const spans = windows.map((window) => present(facts.windowSpansMs[window], 'a span a window'));
  const widest = Math.max(1, ...spans);
  return widest * 6 < facts.spanMs && facts.eventsPerRow > 8 ? Math.ceil(widest) : null;
}

/** Buckets for events that are not visible at once, or null where all are. */
export function unseenBucketMs(facts: GroupFacts): number | null {
  return facts.delayMsMax === 0 ? null : Math.max(1, Math.ceil(2 * facts.delayMs));
}
