import type { ColumnStatistics } from '../../schema/column-statistics.ts';

export interface Span {
  readonly low: number;
  readonly high: number;
}

/** What a column has looked like so far: the span of each figure over earlier looks at it. */
export interface LearnedColumn {
  readonly name: string;
  /** How many looks there were. */
  readonly looks: number;
  readonly rows: Span;
  readonly nullShare: Span;
  readonly distinct: Span;
  /** The spans of numbers are null where there never were any. */
  readonly min: Span | null;
  readonly max: Span | null;
  readonly median: Span | null;
  /** Of the absolute values that are not 0. */
  readonly scale: Span | null;
  readonly scaleP95: Span | null;
  /** The fewest values other than 0 that one of the looks had, of those that had any. */
  readonly values: number;
}

/** Earlier looks at one column; looks without a row tell how many rows there were, no more. */
function learnColumn(earlier: readonly ColumnStatistics[]): LearnedColumn | null {
  const [first] = earlier;
  if (first === undefined) return null;
  const filled = earlier.filter((look) => look.rows > 0);
  const numbers = filled.flatMap((look) => (look.numbers === null ? [] : [look.numbers]));
  const scales = numbers.flatMap((one) => (one.scale === null ? [] : [one.scale]));
  return {
    name: first.name,
    looks: earlier.length,
    rows: spanOf(earlier.map((look) => look.rows)) ?? NOTHING,
    nullShare: spanOf(filled.map((look) => look.nulls / look.rows)) ?? NOTHING,
    distinct: spanOf(filled.map((look) => look.distinct)) ?? NOTHING,
    min: spanOf(numbers.map((one) => one.min)),
    max: spanOf(numbers.map((one) => one.max)),
    median: spanOf(numbers.map((one) => one.quantiles.p50)),
    scale: spanOf(scales.map((one) => one.median)),
    scaleP95: spanOf(scales.map((one) => one.p95)),
    values: numbers
      .map((one) => one.count - one.zeros)
      .filter((values) => values > 0)
      .reduce((least, values) => Math.min(least, values), Infinity),
  };
}

const NOTHING: Span = { low: 0, high: 0 };

function spanOf(values: readonly number[]): Span | null {
  const [first] = values;
  if (first === undefined) return null;
  return values.reduce<Span>(
    ({ low, high }, value) => ({ low: Math.min(low, value), high: Math.max(high, value) }),
    { low: first, high: first },
  );
}

/** By column, from the statistics of several looks at the same columns. */
export function learn(
  looks: readonly (readonly ColumnStatistics[])[],
): ReadonlyMap<string, LearnedColumn> {
  const byName = new Map<string, ColumnStatistics[]>();
  for (const look of looks) {
    for (const column of look) {
      const known = byName.get(column.name);
      if (known === undefined) byName.set(column.name, [column]);
      else known.push(column);
    }
  }
  const learned = new Map<string, LearnedColumn>();
  for (const [name, earlier] of byName) {
    const one = learnColumn(earlier);
    if (one !== null) learned.set(name, one);
  }
  return learned;
}
