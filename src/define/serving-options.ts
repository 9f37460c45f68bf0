import type { Duration } from '../base/duration.ts';
import { deepFreeze, type ServingNode } from './node.ts';

/** Statuses with which a required feature is still good enough, beside `present`. */
export type AcceptedStatus = 'default' | 'stale' | 'missing' | 'expired';

/** What answers where the online store, or a part of it, is not there. */
export type FailurePolicy =
  /** Declared defaults, with the status `timeout` or `error`. */
  | 'default'
  /** No value at all for the features of that part: their statuses alone are answered. */
  | 'skip'
  /** What was read last, where it was known to be right at most so long ago; else defaults. */
  | { readonly lastKnown: Duration };

/**
 * How a service is answered, and what happens where something is not there in time. None of it is
 * part of what a value means: it may change without a new version.
 */
export interface ServingOptions<Names extends string> {
  /** How long a request has that names no time of its own; 5 s unless given. */
  readonly timeout?: Duration;
  /** Outputs without which a row is of no use: it fails, and the other rows answer. */
  readonly required?: readonly Names[];
  /** What is good enough of a required output beside `present`; `['default', 'stale']` unless given. */
  readonly accept?: readonly AcceptedStatus[];
  /** `'default'` unless given. */
  readonly onFailure?: FailurePolicy;
}

/** Options as they may come from plain JavaScript; null where there are none. */
export function servingNode(given: unknown): ServingNode | null {
  if (given === undefined || given === null) return null;
  if (typeof given !== 'object') return deepFreeze({ ...NOTHING, unknown: [String(given)] });
  const { timeout, required, accept, onFailure, ...others } = given as Record<string, unknown>;
  return deepFreeze({
    timeout: timeout === undefined ? null : String(timeout),
    required: texts(required),
    accept: accept === undefined ? null : texts(accept),
    ...failureNode(onFailure),
    unknown: Object.keys(others),
  });
}

const NOTHING = { timeout: null, required: [], accept: null, onFailure: null, lastKnown: null };

function failureNode(given: unknown): Pick<ServingNode, 'onFailure' | 'lastKnown'> {
  if (given === undefined) return { onFailure: null, lastKnown: null };
  if (typeof given === 'object' && given !== null && 'lastKnown' in given) {
    return { onFailure: 'last_known', lastKnown: String(given.lastKnown) };
  }
  return { onFailure: String(given), lastKnown: null };
}

/** A single name stands for a list of it. */
function texts(given: unknown): readonly string[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? given.map(String) : [String(given)];
}
