import type { WindowSpec } from '../aggregate/window.ts';
import { unreachable } from '../base/assert.ts';
import { formatDuration } from '../base/duration.ts';
import type { WindowNode } from '../define/node.ts';
import type { IssueList } from './issue-list.ts';

/** A hop is at most this share of its window's size (semantics §5). */
const HOP_SHARE = 0.02;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Hops to choose from; each divides the next, so that windows share their tiles. */
const HOPS_MS: readonly number[] = [
  1,
  5,
  10,
  50,
  100,
  500,
  SECOND_MS,
  5 * SECOND_MS,
  10 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  DAY_MS,
];

/** The stated default: the greatest hop of the chain within 2 % of the size, 1 ms below 50 ms. */
export function defaultHopMs(sizeMs: number): number {
  const mostMs = greatestHopMs(sizeMs);
  return HOPS_MS.findLast((hopMs) => hopMs <= mostMs) ?? 1;
}

function greatestHopMs(sizeMs: number): number {
  return Math.max(1, Math.floor(sizeMs * HOP_SHARE));
}

/** A window in milliseconds; null, and issues, where it cannot be. */
export function resolveWindow(
  node: WindowNode,
  path: string,
  issues: IssueList,
): WindowSpec | null {
  switch (node.kind) {
    case 'sliding':
      return resolveSliding(node, path, issues);
    case 'tumbling':
      return resolveTumbling(node, path, issues);
    case 'session':
      return resolveSession(node, path, issues);
    case 'lifetime':
      return resolveLifetime(node, path, issues);
    default:
      return unreachable(node);
  }
}

function resolveSliding(
  node: WindowNode & { kind: 'sliding' },
  path: string,
  issues: IssueList,
): WindowSpec | null {
  const sizeMs = issues.duration(path, node.size);
  const givenHopMs = node.hop === null ? null : issues.duration(path, node.hop);
  if (sizeMs === null || (node.hop !== null && givenHopMs === null)) return null;
  const { exact, complete } = node;
  if (exact && complete) {
    const message = 'An exact window has no hop that could be incomplete.';
    issues.add('invalid_definition', path, message, 'Leave out exact or complete.');
  }
  if (exact && givenHopMs !== null) {
    const message = 'An exact window has no hop.';
    issues.add('invalid_definition', path, message, 'Leave out exact or hop.');
  }
  const mostMs = greatestHopMs(sizeMs);
  if (!exact && givenHopMs !== null && givenHopMs > mostMs) {
    issues.add(
      'invalid_definition',
      path,
      `The hop ${node.hop} is more than 2 % of the window ${node.size}.`,
      `Use at most ${formatDuration(mostMs)}, or leave it out: ${formatDuration(defaultHopMs(sizeMs))}.`,
    );
  }
  const hopMs = exact ? 1 : (givenHopMs ?? defaultHopMs(sizeMs));
  return { kind: 'sliding', sizeMs, hopMs, exact, complete };
}

function resolveTumbling(
  node: WindowNode & { kind: 'tumbling' },
  path: string,
  issues: IssueList,
): WindowSpec | null {
  const sizeMs = issues.duration(path, node.size);
  const offsetMs = node.offset === null ? 0 : issues.delay(path, node.offset);
  if (sizeMs === null || offsetMs === null) return null;
  if (offsetMs >= sizeMs) {
    const message = `The offset ${node.offset} is not less than the window ${node.size}.`;
    issues.add('invalid_definition', path, message, 'Take whole windows off the offset.');
  }
  return { kind: 'tumbling', sizeMs, offsetMs, complete: node.complete };
}

function resolveSession(
  node: WindowNode & { kind: 'session' },
  path: string,
  issues: IssueList,
): WindowSpec | null {
  for (const option of node.options) {
    const message = `A session has no ${option}: its own events decide where it begins and ends.`;
    issues.add('invalid_definition', path, message, `Leave out ${option}.`);
  }
  const gapMs = issues.duration(path, node.gap);
  return gapMs === null ? null : { kind: 'session', gapMs };
}

function resolveLifetime(
  node: WindowNode & { kind: 'lifetime' },
  path: string,
  issues: IssueList,
): WindowSpec | null {
  const { complete } = node;
  if (complete && node.hop === null) {
    const message = 'A complete lifetime needs the hop that it leaves out.';
    issues.add(
      'invalid_definition',
      path,
      message,
      "Write lifetime({ complete: true, hop: '1d' }).",
    );
    return null;
  }
  if (!complete && node.hop !== null) {
    const message = 'A lifetime has a hop only where it is complete.';
    issues.add('invalid_definition', path, message, 'Leave out hop, or add complete: true.');
  }
  // The hop means nothing where the current one counts: 1 is its one canonical form.
  const hopMs = node.hop === null ? 1 : issues.duration(path, node.hop);
  return hopMs === null ? null : { kind: 'lifetime', hopMs: complete ? hopMs : 1, complete };
}

/** A window as people write it: `sliding 3h (hop 1m)`. */
export function windowText(window: WindowSpec): string {
  switch (window.kind) {
    case 'sliding': {
      const complete = window.complete ? ', complete' : '';
      const grain = window.exact ? 'exact' : `hop ${formatDuration(window.hopMs)}`;
      return `sliding ${formatDuration(window.sizeMs)} (${grain}${complete})`;
    }
    case 'tumbling': {
      const offset = window.offsetMs === 0 ? '' : ` + ${formatDuration(window.offsetMs)}`;
      return `tumbling ${formatDuration(window.sizeMs)}${offset}${window.complete ? ' (complete)' : ''}`;
    }
    case 'session':
      return `session (gap ${formatDuration(window.gapMs)})`;
    case 'lifetime':
      return window.complete
        ? `lifetime (hop ${formatDuration(window.hopMs)}, complete)`
        : 'lifetime';
    default:
      return unreachable(window);
  }
}
