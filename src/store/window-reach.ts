import { sessionReachMs } from '../aggregate/session-reach.ts';
import type { TileSpec } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import { unreachable } from '../base/assert.ts';

/**
 * How long after its event time an event can still count in some window (semantics §5), in
 * milliseconds; Infinity for a lifetime, and for a session, which may go on for ever.
 */
export function reachMs(windows: readonly WindowSpec[]): number {
  let longest = 0;
  for (const window of windows) longest = Math.max(longest, windowReachMs(window));
  return longest;
}

/**
 * How long after the last event of a key, by arrival, all of its state has expired, in milliseconds;
 * Infinity where it never does.
 */
export function idleMs(spec: Pick<TileSpec, 'windows' | 'latenessMs'>): number {
  const [window] = spec.windows;
  if (window?.kind !== 'session') return reachMs(spec.windows);
  return sessionReachMs(window.gapMs, spec.latenessMs) + 1;
}

function windowReachMs(window: WindowSpec): number {
  switch (window.kind) {
    case 'sliding':
      return window.sizeMs + window.hopMs;
    case 'tumbling':
      return window.sizeMs * (window.complete ? 2 : 1);
    case 'lifetime':
    case 'session':
      return Number.POSITIVE_INFINITY;
    default:
      return unreachable(window);
  }
}
