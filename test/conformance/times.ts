import type { WindowSpec } from '../../src/aggregate/window.ts';
import type { Random } from '../../src/base/random.ts';
import type { OracleEvent, PlatformOracle } from '../../src/testing/platform-oracle.ts';

/** A time after `nowMs`, by at most `mostMs`, at which something is about to change. */
export function edgeAfter(
  random: Random,
  oracle: PlatformOracle,
  nowMs: number,
  mostMs: number,
): number {
  const edges: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    const edge = randomEdge(random, oracle, nowMs);
    if (edge > nowMs && edge - nowMs <= mostMs) edges.push(edge);
  }
  return edges.length === 0 ? nowMs + random.below(1_000) : Math.min(...edges);
}

/**
 * A time at which an event enters or leaves a window, or the millisecond beside it: the event's
 * own time or arrival, so many sizes later, on a hop or not.
 */
export function randomEdge(random: Random, oracle: PlatformOracle, otherwiseMs: number): number {
  const windows = oracle.plan.groups.flatMap((group) => group.windows);
  const event = oracle.events[random.below(oracle.events.length)];
  const window = windows[random.below(windows.length)];
  if (event === undefined || window === undefined) return otherwiseMs;
  return timeOf(random, event) + leavesAfterMs(random, window) + random.below(3) - 1;
}

function timeOf(random: Random, event: OracleEvent): number {
  return random.below(3) === 0 ? event.arrivalTimeMs : event.eventTimeMs;
}

function leavesAfterMs(random: Random, window: WindowSpec): number {
  if (random.below(3) === 0) return 0;
  if (window.kind === 'lifetime') return window.hopMs;
  if (window.kind === 'tumbling') return window.sizeMs * (window.complete ? 2 : 1);
  return window.sizeMs + (random.below(2) === 0 ? 0 : window.hopMs);
}
