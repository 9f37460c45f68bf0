import { seededRandom } from '../../base/random.ts';
import type { Cell } from './columns.ts';

/** How well one column by itself tells another. */
export interface Prediction {
  readonly measure: 'auc' | 'rank_correlation' | 'shared_information';
  /** From 0, nothing, to 1, all of it. */
  readonly strength: number;
  /** The measure itself: an AUC of 0.5 to 1, the size of a correlation, a share of the label's entropy. */
  readonly score: number;
  /** The greatest strength among labels in shuffled order: what chance gives. */
  readonly chance: number;
  readonly rows: number;
}

const SHUFFLES = 12;
const ROWS_MIN = 50;
/** Values of a column that are still taken for names of classes. */
const CLASSES = 24;
const BINS = 16;

/**
 * The strength of a feature alone as a predictor of the label, and that of chance: labels in random
 * order. Null where there are too few rows, or only one value of either.
 */
export function predict(feature: readonly Cell[], label: readonly Cell[]): Prediction | null {
  const known = label.flatMap((value, at) => (value === null ? [] : [at]));
  if (known.length < ROWS_MIN) return null;
  const x = known.map((at) => feature[at] ?? null);
  const y = known.map((at) => label[at] as Exclude<Cell, null>);
  if (new Set(x).size < 2 || new Set(y).size < 2) return null;
  const measured = measureOf(x, y);
  const random = seededRandom(17);
  let chance = 0;
  for (let round = 0; round < SHUFFLES; round++) {
    chance = Math.max(chance, measured.of(shuffled(y, random.below)).strength);
  }
  return { measure: measured.name, ...measured.of(y), chance, rows: known.length };
}

interface Measured {
  readonly strength: number;
  readonly score: number;
}

function measureOf(
  x: readonly Cell[],
  y: readonly Cell[],
): { readonly name: Prediction['measure']; readonly of: (y: readonly Cell[]) => Measured } {
  const isNumeric = x.every((value) => value === null || typeof value === 'number');
  const classes = new Set(y);
  const asNumbers = (values: readonly Cell[]): number[] => values.map(Number);
  if (isNumeric && classes.size === 2) {
    const [first] = [...classes].sort();
    const ranks = ranksOf(x.map((value) => (value === null ? -Infinity : Number(value))));
    return {
      name: 'auc',
      of: (labels) => {
        const auc = areaUnder(
          ranks,
          labels.map((label) => label !== first),
        );
        return { score: Math.max(auc, 1 - auc), strength: Math.abs(2 * auc - 1) };
      },
    };
  }
  if (isNumeric && y.every((value) => typeof value === 'number') && classes.size > CLASSES) {
    const ranks = ranksOf(x.map((value) => (value === null ? -Infinity : Number(value))));
    return {
      name: 'rank_correlation',
      of: (labels) => {
        const score = Math.abs(correlation(ranks, ranksOf(asNumbers(labels))));
        return { score, strength: score };
      },
    };
  }
  const bins = binsOf(x);
  return {
    name: 'shared_information',
    of: (labels) => {
      const score = sharedInformation(bins, binsOf(labels));
      return { score, strength: score };
    },
  };
}

/** The chance that a row of the second class has a greater value than one of the first. */
function areaUnder(ranks: Float64Array, positive: readonly boolean[]): number {
  let [sum, count] = [0, 0];
  for (const [at, is] of positive.entries()) {
    if (!is) continue;
    sum += ranks[at] as number;
    count += 1;
  }
  return (sum - (count * (count + 1)) / 2) / (count * (positive.length - count));
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranksOf(values: readonly number[]): Float64Array {
  const order = values.map((_, at) => at).sort((a, b) => compare(values[a], values[b]));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to += 1;
    for (let at = from; at < to; at++) ranks[order[at] ?? 0] = (from + to + 1) / 2;
    from = to;
  }
  return ranks;
}

function compare(a = 0, b = 0): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  const mean = (n + 1) / 2;
  let [ab, aa, bb] = [0, 0, 0];
  for (let at = 0; at < n; at++) {
    const [da, db] = [(a[at] as number) - mean, (b[at] as number) - mean];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}

/** Classes as numbers; numbers of many values by rank, in bins of about equal size. */
function binsOf(values: readonly Cell[]): Int32Array {
  const distinct = new Set(values);
  const isNumeric = values.every((value) => value === null || typeof value === 'number');
  if (distinct.size <= CLASSES || !isNumeric) {
    const names = new Map([...distinct].map((value, at) => [value, at]));
    return Int32Array.from(values, (value) => names.get(value) ?? -1);
  }
  const ranks = ranksOf(values.map((value) => (value === null ? -Infinity : Number(value))));
  const size = (values.length + 1) / BINS;
  return Int32Array.from(ranks, (rank, at) => (values[at] === null ? -1 : Math.floor(rank / size)));
}

/** The share of b's entropy that a tells. */
function sharedInformation(a: Int32Array, b: Int32Array): number {
  const both = countsOf(a.length, (at) => `${a[at]} ${b[at]}`);
  const ofA = countsOf(a.length, (at) => `${a[at]}`);
  const ofB = countsOf(a.length, (at) => `${b[at]}`);
  const entropyB = entropy(ofB, a.length);
  if (entropyB === 0) return 0;
  const shared = entropy(ofA, a.length) + entropyB - entropy(both, a.length);
  return Math.min(1, Math.max(0, shared / entropyB));
}

function countsOf(count: number, nameOf: (at: number) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at < count; at++) {
    const name = nameOf(at);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function entropy(counts: ReadonlyMap<string, number>, total: number): number {
  let sum = 0;
  for (const count of counts.values()) sum -= (count / total) * Math.log2(count / total);
  return sum;
}

function shuffled(values: readonly Cell[], below: (bound: number) => number): Cell[] {
  const mixed = [...values];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = below(at + 1);
    [mixed[at], mixed[other]] = [mixed[other] ?? null, mixed[at] ?? null];
  }
  return mixed;
}
