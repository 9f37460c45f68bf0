import type { Duration } from '../base/duration.ts';
import type { WindowNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';

/** The span of event time that a feature covers, relative to the moment it is asked for. */
export interface Window {
  readonly node: WindowNode;
}

export interface SlidingOptions {
  /**
   * The step by which the tail moves, at most 2 % of the size. The default is the greatest of 1, 5,
   * 10, 50, 100, 500 ms, 1, 5, 10, 30 s, 1, 5, 15, 30 min, 1, 3, 6, 12 h and 1 d within that
   * (1 ms for a size below 50 ms): '10m' moves by 10 s, '1h' by 1 min, '24h' by 15 min, '7d' by 3 h.
   */
  readonly hop?: Duration;
  /** Exactly the size, to the millisecond; costs memory for every distinct event time. */
  readonly exact?: boolean;
  /** Leaves out the current, unfinished hop. */
  readonly complete?: boolean;
}

/**
 * The last `size` before the moment asked for: at least `size`, less than `size + hop`
 * (semantics §5).
 *
 * @example avg(flight.delay).over(sliding('3h'))
 */
export function sliding(size: Duration, options: SlidingOptions = {}): Window {
  return windowOf({
    kind: 'sliding',
    size,
    hop: options.hop ?? null,
    exact: options.exact ?? false,
    complete: options.complete ?? false,
  });
}

export interface TumblingOptions {
  /** Where intervals start, as a span after midnight UTC of the epoch; less than the size. */
  readonly offset?: Duration;
  /** The last complete interval instead of the current one so far. */
  readonly complete?: boolean;
}

/**
 * The current interval of a fixed size so far, aligned to UTC (semantics §5).
 *
 * @example max(flight.delay).over(tumbling('1d', { offset: '5h' }))
 */
export function tumbling(size: Duration, options: TumblingOptions = {}): Window {
  return windowOf({
    kind: 'tumbling',
    size,
    offset: options.offset ?? null,
    complete: options.complete ?? false,
  });
}

/** There are none: they are named for whoever looks for them. */
export interface SessionOptions {
  readonly hop?: TypeProblem<'a session has no hop: its own events decide where it begins'>;
  readonly exact?: TypeProblem<'a session is always exact'>;
  readonly complete?: TypeProblem<'a session is never complete: the next event may go on with it'>;
}

/**
 * The newest session: the chain of events, each at most `gap` after the one before, that ends in
 * the newest event. Empty once that event is more than `gap` old (semantics §5). The view's filter
 * decides which events there are; a feature's own filter breaks no chain.
 *
 * @example count().over(session('30m'))
 */
export function session(gap: Duration, options: SessionOptions = {}): Window {
  return windowOf({ kind: 'session', gap, options: Object.freeze(Object.keys(options)) });
}

export interface LifetimeOptions {
  /** Leaves out the current, unfinished hop; needs `hop`. */
  readonly complete?: boolean;
  readonly hop?: Duration;
}

/**
 * Every event so far (semantics §5).
 *
 * @example last(flight.destination).over(lifetime())
 */
export function lifetime(options: LifetimeOptions = {}): Window {
  return windowOf({
    kind: 'lifetime',
    hop: options.hop ?? null,
    complete: options.complete ?? false,
  });
}

function windowOf(node: WindowNode): Window {
  return Object.freeze({ node: Object.freeze(node) });
}
