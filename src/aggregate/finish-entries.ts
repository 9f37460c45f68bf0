import { AssertionFailure, present, unreachable } from '../base/assert.ts';
import {
  canonicalInteger,
  INT64_MAX,
  INT64_MIN,
  type Scalar,
  type Single,
  type ValueCount,
} from '../schema/types.ts';
import { middleOf } from './buckets.ts';
import type { EntrySet } from './entry-set.ts';
import { type EntryView, entryView, isLive, markOf, scalarAt, singleAt } from './entry-view.ts';
import { powerOfTen } from './exact.ts';
import { type Finish, type FinishSpec, OVERFLOW } from './finish-spec.ts';
import { HASH_RANGE } from './hash52.ts';
import type { WindowPartials } from './window-table.ts';

const MILLION = 1_000_000n;

/** Reads a feature out of a set of entries; sets of the last query are settled. */
export function compileEntries(feature: FinishSpec, table: WindowPartials): Finish {
  const view = entryView(feature, table);
  const read = compileRead(feature, view);
  return () => {
    const set = view.set();
    return set === null ? undefined : read(set);
  };
}

function compileRead(feature: FinishSpec, view: EntryView): (set: EntrySet) => ReturnType<Finish> {
  switch (feature.fn) {
    case 'count_distinct':
      return (set) => distinctCount(set, view);
    case 'quantile': {
      const ppm = BigInt(present(feature.rankPpm, 'a quantile has a rank'));
      const isFloat = feature.type.kind === 'float64';
      return (set) => quantile(set, view, ppm, isFloat ? feature.scale : null);
    }
    case 'top_k': {
      const k = present(feature.count, 'top_k has a count');
      return (set) => topValues(set, view, k);
    }
    case 'histogram':
      return (set) => histogram(set, view);
    case 'first_n':
    case 'last_n': {
      const n = present(feature.count, `${feature.fn} has a count`);
      return (set) => eventValues(set, view, n);
    }
    case 'first':
    case 'last':
    case 'min':
    case 'max':
      return (set) => endValue(set, view);
    case 'latest':
      throw new AssertionFailure('attributes are finished by their own rule');
    case 'count':
    case 'sum':
    case 'avg':
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
      throw new AssertionFailure(`${feature.fn} is made of sums`);
    default:
      return unreachable(feature.fn);
  }
}

/**
 * Exact while all hashes are kept; beyond, by how closely the least k of them lie, and never below
 * what is known (semantics §3). Where fewer than half of those are left, they say too little of
 * how many are left of all.
 */
function distinctCount(set: EntrySet, view: EntryView): number | typeof OVERFLOW | undefined {
  let live = 0;
  for (let i = 0; i < set.count; i++) if (isLive(set, view, i)) live++;
  if (!set.more) return live === 0 ? undefined : live;
  if (2 * live < set.count) return OVERFLOW;
  const k = BigInt(set.count);
  const greatest = set.words[(set.count - 1) * view.stride] as number;
  const scaled = BigInt(live) * (k - 1n) * HASH_RANGE;
  const estimate = Number(scaled / (k * BigInt(Math.max(greatest, 1))));
  return Math.max(view.shape.mark === 'none' ? live + 1 : live, estimate);
}

/** The middle of the bucket that holds the value of the rank. */
function quantile(
  set: EntrySet,
  view: EntryView,
  ppm: bigint,
  scale: number | null,
): number | bigint | typeof OVERFLOW | undefined {
  let count = 0;
  for (let i = 0; i < set.count; i++) count += markOf(set, view, i);
  if (count === 0) return undefined;
  const exact = Number((BigInt(count) * ppm + MILLION - 1n) / MILLION);
  const rank = Math.max(1, exact);
  let index = 0;
  for (let seen = 0; seen < rank; index++) seen += markOf(set, view, index);
  const bucket = set.words[(index - 1) * view.stride] as number;
  const middle = middleOf(bucket, view.spec.size ?? 0);
  if (scale !== null) return Number(middle) / powerOfTen(scale);
  return middle < INT64_MIN || middle > INT64_MAX ? OVERFLOW : canonicalInteger(middle);
}

function liveEntries(set: EntrySet, view: EntryView): number[] {
  const live: number[] = [];
  for (let i = 0; i < set.count; i++) if (isLive(set, view, i)) live.push(i);
  return live;
}

/** Entries stand in the order of their values, so equal counts keep that order. */
function topValues(
  set: EntrySet,
  view: EntryView,
  k: number,
): readonly Scalar[] | typeof OVERFLOW | undefined {
  if (set.more) return OVERFLOW;
  const live = liveEntries(set, view);
  if (live.length === 0) return undefined;
  live.sort((a, b) => markOf(set, view, b) - markOf(set, view, a) || a - b);
  return live.slice(0, k).map((i) => scalarAt(set, view, i));
}

function histogram(
  set: EntrySet,
  view: EntryView,
): readonly ValueCount[] | typeof OVERFLOW | undefined {
  if (set.more) return OVERFLOW;
  const live = liveEntries(set, view);
  if (live.length === 0) return undefined;
  return live.map((i) => ({ value: scalarAt(set, view, i), count: markOf(set, view, i) }));
}

/** Oldest first. Fewer than n are right only where nothing had to be let go. */
function eventValues(
  set: EntrySet,
  view: EntryView,
  n: number,
): readonly Scalar[] | typeof OVERFLOW | undefined {
  const live = liveEntries(set, view);
  if (live.length < n && set.more) return OVERFLOW;
  if (live.length === 0) return undefined;
  const chosen = view.shape.keeps === 'greatest' ? live.slice(-n) : live.slice(0, n);
  return chosen.map((i) => scalarAt(set, view, i));
}

/** The live entry at the end that is kept. */
function endValue(set: EntrySet, view: EntryView): Single | typeof OVERFLOW | undefined {
  const { count } = set;
  const isLast = view.shape.keeps === 'greatest';
  for (let n = 0; n < count; n++) {
    const i = isLast ? count - 1 - n : n;
    if (isLive(set, view, i)) return singleAt(set, view, i);
  }
  return set.more ? OVERFLOW : undefined;
}
