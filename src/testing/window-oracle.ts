import { type WindowSpec, windowRange } from '../aggregate/window.ts';
import { assert } from '../base/assert.ts';

/** Whether an event counts at a time, as the table of semantics §5 reads, and as ranges say it. */
export function countsIn(window: WindowSpec, eventMs: number, timeMs: number): boolean {
  // Which events a session counts is decided by all of them.
  if (window.kind === 'session') return eventMs <= timeMs;
  const { startMs, endMs } = windowRange(window, timeMs);
  const isInRange = eventMs >= startMs && eventMs < endMs;
  assert(isInRange === (eventMs <= timeMs && isInWindow(window, eventMs, timeMs)), 'one reading');
  return isInRange;
}

function isInWindow(
  window: Exclude<WindowSpec, { kind: 'session' }>,
  eventMs: number,
  timeMs: number,
): boolean {
  const { complete } = window;
  if (window.kind === 'tumbling') {
    const { sizeMs, offsetMs } = window;
    const nth = (ms: number): number => Math.floor((ms - offsetMs) / sizeMs);
    return nth(eventMs) === nth(timeMs) - (complete ? 1 : 0);
  }
  const nthHop = (ms: number): number => Math.floor(ms / window.hopMs);
  const isRunning = nthHop(eventMs) === nthHop(timeMs);
  if (window.kind === 'lifetime') return !(complete && isRunning);
  if (window.exact) return eventMs > timeMs - window.sizeMs;
  return nthHop(eventMs) >= nthHop(timeMs - window.sizeMs) && !(complete && isRunning);
}
