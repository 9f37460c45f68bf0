import type { AggregateFn } from '../aggregate/spec.ts';
import { LIMITS } from '../base/limits.ts';
import type { AggregateNode } from '../define/node.ts';
import type { IssueList } from './issue-list.ts';

/** What a function is told beside its measure. */
export interface Parameters {
  readonly count: number | null;
  readonly rankPpm: number | null;
  /** Of the accumulator with several entries, or null where the function has none. */
  readonly size: number | null;
}

const DEFAULT_EXACT_UP_TO = 1024;
const DEFAULT_MAX_DISTINCT = 1000;
const DEFAULT_RELATIVE_ERROR = 0.005;
const MILLION = 1_000_000;

/**
 * The parameters of a feature, checked. `keep` is how many entries are kept for events that may be
 * taken back: 0 where events are final.
 */
export function resolveParameters(
  node: AggregateNode,
  fn: AggregateFn,
  keep: number,
  path: string,
  issues: IssueList,
): Parameters {
  const none = { count: null, rankPpm: null, size: null };
  const whole = (name: string, given: number | null, least: number, most: number): number => {
    if (Number.isInteger(given) && Number(given) >= least && Number(given) <= most) {
      return Number(given);
    }
    const range = `${least} to ${most}`;
    const message = `${node.fn} has ${name} ${String(given)}, and takes a whole number from ${range}.`;
    issues.add('invalid_definition', path, message, `Use ${range}.`);
    return least;
  };
  switch (fn) {
    case 'count_distinct': {
      const exactUpTo = node.size ?? DEFAULT_EXACT_UP_TO;
      return { ...none, size: whole('exactUpTo', exactUpTo, 2, LIMITS.distinctExact) };
    }
    case 'quantile':
      return { ...none, rankPpm: rankOf(node, path, issues), size: bitsOf(node, path, issues) };
    case 'top_k': {
      const count = whole('k', node.count, 1, LIMITS.listValues);
      const maxDistinct = node.size ?? DEFAULT_MAX_DISTINCT;
      const size = whole('maxDistinct', maxDistinct, 1, LIMITS.countedValues);
      if (node.size === size && size < count) {
        const message = `${node.fn} has k ${count} of at most ${size} values: it could never fill.`;
        const remedy = `Use a maxDistinct of what the column can hold, ${count} or more.`;
        issues.add('invalid_definition', path, message, remedy);
      }
      return { ...none, count, size };
    }
    case 'histogram': {
      const maxDistinct = node.size ?? DEFAULT_MAX_DISTINCT;
      return { ...none, size: whole('maxDistinct', maxDistinct, 1, LIMITS.countedValues) };
    }
    case 'first_n':
    case 'last_n': {
      const count = whole('n', node.count, 1, LIMITS.listValues);
      return { ...none, count, size: count + keep };
    }
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return keep === 0 ? none : { ...none, size: keep };
    case 'latest':
      return { ...none, size: Math.max(1, keep) };
    default:
      return none;
  }
}

/** q in millionths, exactly. */
function rankOf(node: AggregateNode, path: string, issues: IssueList): number {
  const q = node.rank ?? Number.NaN;
  const ppm = Math.round(q * MILLION);
  if (q > 0 && q <= 1 && ppm / MILLION === q) return ppm;
  const message = `A quantile of ${String(node.rank)} cannot be.`;
  const remedy = 'Use a number above 0 and up to 1, with at most 6 decimal places, such as 0.95.';
  issues.add('invalid_definition', path, message, remedy);
  return MILLION;
}

/** The fewest bits whose buckets are narrow enough: 2^-(bits + 1) <= relativeError. */
function bitsOf(node: AggregateNode, path: string, issues: IssueList): number {
  const wanted = node.relativeError ?? DEFAULT_RELATIVE_ERROR;
  for (let bits = 1; bits <= LIMITS.bucketBits; bits++) {
    if (wanted < 1 && errorOfBits(bits) <= wanted) return bits;
  }
  const message = `A quantile with a relative error of ${String(wanted)} cannot be.`;
  const least = errorOfBits(LIMITS.bucketBits);
  issues.add('invalid_definition', path, message, `Use ${least} or more, below 1.`);
  return 1;
}

/** How far off a quantile from buckets of so many bits can be, relative to it. */
export function errorOfBits(bits: number): number {
  return 2 ** -(bits + 1);
}
