import { floorTo, type WindowSpec } from '../../src/aggregate/window.ts';
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
    const edge = randomEdge(random, oracle, randomEvent(random, oracle), nowMs);
    if (edge > nowMs && edge - nowMs <= mostMs) edges.push(edge);
  }
  return edges.length === 0 ? nowMs + random.below(1_000) : Math.min(...edges);
}

export function randomEvent(random: Random, { events }: PlatformOracle): OracleEvent | null {
  return events[random.below(events.length)] ?? null;
}

/** A time at which the event enters or leaves a window, expires or is just known, or the ms beside it. */
export function randomEdge(
  random: Random,
  oracle: PlatformOracle,
  event: OracleEvent | null,
  otherwiseMs: number,
): number {
  const groups = oracle.plan.groups.filter((group) => group.source === event?.source);
  const windows = groups.flatMap((group) => group.windows);
  const window = windows[random.below(windows.length)];
  if (event === null || window === undefined) return otherwiseMs;
  const aside = random.below(3) - 1;
  if (random.below(4) === 0) return event.arrivalTimeMs + aside;
  const ttls = oracle.plan.views.flatMap(({ source, features }) =>
    features.flatMap((one) =>
      source === event.source && one.kind === 'aggregate' ? (one.ttlMs ?? []) : [],
    ),
  );
  if (ttls.length > 0 && random.below(4) === 0)
    return event.eventTimeMs + random.pick(ttls) + aside;
  return windowEdge(random, window, event.eventTimeMs) + aside;
}

/** The first time at which the event is in the window, or is no longer. */
function windowEdge(random: Random, window: WindowSpec, eventMs: number): number {
  const isEntering = random.below(3) === 0;
  switch (window.kind) {
    case 'sliding': {
      if (window.exact) return isEntering ? eventMs : eventMs + window.sizeMs;
      const nextHopMs = floorTo(eventMs, window.hopMs) + window.hopMs;
      if (isEntering) return window.complete ? nextHopMs : eventMs;
      return nextHopMs + window.sizeMs;
    }
    case 'tumbling': {
      const nextMs = floorTo(eventMs, window.sizeMs, window.offsetMs) + window.sizeMs;
      if (isEntering) return window.complete ? nextMs : eventMs;
      return window.complete ? nextMs + window.sizeMs : nextMs;
    }
    case 'session':
      return isEntering ? eventMs : eventMs + window.gapMs + 1;
    case 'lifetime':
      return window.complete ? floorTo(eventMs, window.hopMs) + window.hopMs : eventMs;
  }
}
