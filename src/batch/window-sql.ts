import type { WindowSpec } from '../aggregate/window.ts';
import { unreachable } from '../base/assert.ts';
import type { WorkWindow } from './work-group.ts';

export interface RangeSql {
  readonly start: string;
  readonly end: string;
}

/**
 * `windowRange` (semantics §5) as SQL over a time in milliseconds; the parity tests hold them equal.
 * A session may begin anywhere: its events decide, in `session-ranges`.
 */
export function windowRangeSql(window: WindowSpec, time: string): RangeSql {
  const head = `${time} + 1`;
  switch (window.kind) {
    case 'sliding': {
      if (window.exact) return { start: `${time} - ${window.sizeMs} + 1`, end: head };
      return {
        start: `asof_floor(${time} - ${window.sizeMs}, ${window.hopMs})`,
        end: window.complete ? `asof_floor(${time}, ${window.hopMs})` : head,
      };
    }
    case 'tumbling': {
      const { sizeMs, offsetMs } = window;
      const start = `asof_floor(${time} - ${offsetMs}, ${sizeMs}) + ${offsetMs}`;
      return window.complete ? { start: `${start} - ${sizeMs}`, end: start } : { start, end: head };
    }
    case 'lifetime':
      return { start: '0', end: window.complete ? `asof_floor(${time}, ${window.hopMs})` : head };
    case 'session':
      return { start: '0', end: head };
    default:
      return unreachable(window);
  }
}

/** Whether the window ends at t itself, so that all that has arrived lies before its end. */
export function isOpen(window: WorkWindow): boolean {
  // Where events can be taken back, a session ends at the newest that is left.
  return window.kind === 'session' ? window.keep === 0 : !window.complete;
}

/** Whether `wide` starts no later than `narrow` at every t. */
export function startsNoLater(wide: WindowSpec, narrow: WindowSpec): boolean {
  if (wide === narrow || wide.kind === 'lifetime') return true;
  if (wide.kind !== 'sliding' || narrow.kind === 'lifetime' || narrow.kind === 'session') {
    return false;
  }
  const latest = narrow.sizeMs * (narrow.kind === 'tumbling' && narrow.complete ? 2 : 1);
  return wide.sizeMs >= latest + (narrow.kind === 'sliding' ? narrow.hopMs : 0);
}
