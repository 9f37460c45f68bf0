import { AssertionFailure, unreachable } from '../base/assert.ts';

/** A window as the plan holds it; all spans in milliseconds (semantics §5). */
export type WindowSpec =
  | {
      readonly kind: 'sliding';
      readonly sizeMs: number;
      /** 1 for an exact window. */
      readonly hopMs: number;
      readonly exact: boolean;
      readonly complete: boolean;
    }
  | {
      readonly kind: 'tumbling';
      readonly sizeMs: number;
      readonly offsetMs: number;
      /** The last complete interval instead of the current one so far. */
      readonly complete: boolean;
    }
  /** The events' own chain decides its bounds, so it has tiles of its own. */
  | { readonly kind: 'session'; readonly gapMs: number }
  /** `hopMs` matters only where `complete` is set. */
  | { readonly kind: 'lifetime'; readonly hopMs: number; readonly complete: boolean };

/** Event times in `[startMs, endMs)`; whole milliseconds. */
export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

export function floorTo(timeMs: number, stepMs: number, offsetMs = 0): number {
  return Math.floor((timeMs - offsetMs) / stepMs) * stepMs + offsetMs;
}

/**
 * The events that count at time t, semantics §5, as one half-open range; for every kind but sessions,
 * whose range the events decide.
 */
export function windowRange(window: WindowSpec, timeMs: number): TimeRange {
  switch (window.kind) {
    case 'sliding': {
      if (window.exact) return { startMs: timeMs - window.sizeMs + 1, endMs: timeMs + 1 };
      const startMs = floorTo(timeMs - window.sizeMs, window.hopMs);
      return { startMs, endMs: window.complete ? floorTo(timeMs, window.hopMs) : timeMs + 1 };
    }
    case 'tumbling': {
      const startMs = floorTo(timeMs, window.sizeMs, window.offsetMs);
      return window.complete
        ? { startMs: startMs - window.sizeMs, endMs: startMs }
        : { startMs, endMs: timeMs + 1 };
    }
    case 'lifetime':
      return { startMs: 0, endMs: window.complete ? floorTo(timeMs, window.hopMs) : timeMs + 1 };
    case 'session':
      throw new AssertionFailure('the events of a session decide its range');
    default:
      return unreachable(window);
  }
}
