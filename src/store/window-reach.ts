import type { WindowSpec } from '../aggregate/window.ts';
import { unreachable } from '../base/assert.ts';

/**
 * How long after its event time an event can still count in some window (semantics §5), in
 * milliseconds; Infinity for a lifetime.
 */
export function reachMs(windows: readonly WindowSpec[]): number {
  let longest = 0;
  for (const window of windows) longest = Math.max(longest, windowReachMs(window));
  return longest;
}

function windowReachMs(window: WindowSpec): number {
  switch (window.kind) {
    case 'sliding':
      return window.sizeMs + window.hopMs;
    case 'tumbling':
      return window.sizeMs * (window.complete ? 2 : 1);
    case 'lifetime':
      return Number.POSITIVE_INFINITY;
    default:
      return unreachable(window);
  }
}
