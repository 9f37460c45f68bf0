import { present, unreachable } from '../base/assert.ts';
import { keptFloat, roundKept } from '../schema/kept-float.ts';
import { unpackVector } from '../schema/packed-vector.ts';
import { canonicalInteger, INT64_MAX, INT64_MIN } from '../schema/types.ts';
import { bigOf, bigOfThree, powerOfTen, WORD } from './exact.ts';
import { compileEntries } from './finish-entries.ts';
import { compileLatest } from './finish-latest.ts';
import { type Finish, type FinishSpec, OVERFLOW } from './finish-spec.ts';
import { valueForm } from './kernels.ts';
import { NO_STRING } from './string-slots.ts';
import type { WindowPartials } from './window-table.ts';

export { compileHold } from './finish-latest.ts';
export { EXPIRED, type Finish, type FinishSpec, OVERFLOW } from './finish-spec.ts';

export function compileFinish(feature: FinishSpec, table: WindowPartials): Finish {
  const finish = keptFinish(feature, compileFunction(feature, table));
  const isSession = table.spec.windows[feature.window]?.kind === 'session';
  // Only a session whose events can be taken back may lack what its answer depends on.
  if (!isSession || table.spec.retractable !== true) return finish;
  return () => (table.isLacking ? OVERFLOW : finish());
}

/** What the feature keeps of its value: an error where its format cannot hold it. */
function keptFinish({ type }: FinishSpec, finish: Finish): Finish {
  const kept = keptFloat(type);
  if (kept === null) return finish;
  return () => {
    const value = finish();
    return typeof value === 'number' ? (roundKept(kept, value) ?? OVERFLOW) : value;
  };
}

function compileFunction(feature: FinishSpec, table: WindowPartials): Finish {
  switch (feature.fn) {
    case 'count':
      return compileCount(feature, table);
    case 'sum':
      return compileSum(feature, table);
    case 'avg':
      return compileAverage(feature, table);
    case 'min':
    case 'max':
      return holdsOne(feature, table)
        ? compileValue(feature, table, 0)
        : compileEntries(feature, table);
    case 'first':
    case 'last':
      return holdsOne(feature, table)
        ? compileValue(feature, table, 3)
        : compileEntries(feature, table);
    case 'count_distinct':
    case 'quantile':
    case 'top_k':
    case 'histogram':
    case 'first_n':
    case 'last_n':
      return compileEntries(feature, table);
    case 'latest':
      return compileLatest(feature, table);
    case 'var_pop':
    case 'stddev_pop':
      return compileVariance(feature, table, 0);
    case 'var_samp':
    case 'stddev_samp':
      return compileVariance(feature, table, 1);
    default:
      return unreachable(feature.fn);
  }
}

/** Whether one value is kept, and not several because it may be taken back. */
function holdsOne({ fn, parts }: FinishSpec, table: WindowPartials): boolean {
  return table.spec.accumulators[parts.value ?? -1]?.fn === fn;
}

/** Brings one accumulator's words up to the last query and gives their place in `partials`. */
function part(feature: FinishSpec, table: WindowPartials, name: keyof FinishSpec['parts']) {
  const accumulator = present(feature.parts[name], `${feature.fn} has a part '${name}'`);
  return { accumulator, at: table.partialAt(feature.window, accumulator) };
}

function compileCount(feature: FinishSpec, table: WindowPartials): Finish {
  const count = part(feature, table, 'count');
  const words = table.partials;
  return () => {
    table.fold(count.accumulator);
    const n = words[count.at] as number;
    return n === 0 ? undefined : n;
  };
}

function compileSum(feature: FinishSpec, table: WindowPartials): Finish {
  const count = part(feature, table, 'count');
  const sum = part(feature, table, 'sum');
  const words = table.partials;
  const isFloat = feature.type.kind === 'float64';
  const divisor = powerOfTen(feature.scale);
  return () => {
    table.fold(count.accumulator);
    if (words[count.at] === 0) return undefined;
    table.fold(sum.accumulator);
    const hi = words[sum.at] as number;
    const lo = words[sum.at + 1] as number;
    // Both words are integers, so their float64 sum is the exact sum, correctly rounded.
    if (isFloat) return (hi * WORD + lo) / divisor;
    return hi === 0 ? lo : wholeSum(hi, lo);
  };
}

function wholeSum(hi: number, lo: number): number | bigint | typeof OVERFLOW {
  const whole = bigOf(hi, lo);
  return whole < INT64_MIN || whole > INT64_MAX ? OVERFLOW : canonicalInteger(whole);
}

function compileAverage(feature: FinishSpec, table: WindowPartials): Finish {
  const count = part(feature, table, 'count');
  const sum = part(feature, table, 'sum');
  const words = table.partials;
  const unit = powerOfTen(feature.scale);
  return () => {
    table.fold(count.accumulator);
    const n = words[count.at] as number;
    if (n === 0) return undefined;
    table.fold(sum.accumulator);
    const total = (words[sum.at] as number) * WORD + (words[sum.at + 1] as number);
    // n and 10^scale are exact, so their product is the exact integer, correctly rounded.
    return total / (n * unit);
  };
}

function compileVariance(feature: FinishSpec, table: WindowPartials, fewer: 0 | 1): Finish {
  const count = part(feature, table, 'count');
  const sum = part(feature, table, 'sum');
  const squares = part(feature, table, 'sumSquares');
  const words = table.partials;
  const unit = 10n ** BigInt(2 * feature.scale);
  const takesRoot = feature.fn === 'stddev_pop' || feature.fn === 'stddev_samp';
  return () => {
    table.fold(count.accumulator);
    const n = words[count.at] as number;
    if (n <= fewer) return undefined;
    table.fold(sum.accumulator);
    table.fold(squares.accumulator);
    const spread = spreadOf(n, words, sum.at, squares.at);
    const variance = spread / scaledCount(n, n - fewer, unit, feature.scale);
    return takesRoot ? Math.sqrt(variance) : variance;
  };
}

/** double(n * Q - S * S) */
function spreadOf(n: number, words: Float64Array, sum: number, squares: number): number {
  const sumHigh = words[sum] as number;
  const sumLow = words[sum + 1] as number;
  const squaresLow = words[squares + 2] as number;
  const scaled = n * squaresLow;
  // S * S <= n * Q, so all is exact in float64 when n * Q stays below 2^53.
  if (scaled < WORD && sumHigh === 0 && words[squares + 1] === 0 && words[squares] === 0) {
    return scaled - sumLow * sumLow;
  }
  const whole = bigOf(sumHigh, sumLow);
  const high = words[squares] as number;
  const middle = words[squares + 1] as number;
  return Number(BigInt(n) * bigOfThree(high, middle, squaresLow) - whole * whole);
}

/** double(n * m * 10^(2 * scale)); 10^22 is the last power of ten that float64 holds. */
function scaledCount(n: number, m: number, unit: bigint, scale: number): number {
  const product = n * m;
  if (product < WORD && scale <= 11) return product * powerOfTen(2 * scale);
  return Number(BigInt(n) * BigInt(m) * unit);
}

function compileValue(feature: FinishSpec, table: WindowPartials, orderWords: 0 | 3): Finish {
  const value = part(feature, table, 'value');
  const words = table.partials;
  const { accumulator } = value;
  const at = value.at + orderWords;
  const type = present(table.spec.accumulators[accumulator], 'the accumulator exists').type;
  const form = valueForm(type);
  if (form === 'string') {
    return () => {
      table.fold(accumulator);
      const slot = words[at] as number;
      if (slot === NO_STRING) return undefined;
      const text = table.slots.texts.get(slot);
      return type.kind === 'vector' ? unpackVector(text) : text;
    };
  }
  const isBool = type.kind === 'bool';
  return () => {
    table.fold(accumulator);
    // The first word is infinite, and only then, where there was no input.
    const first = words[value.at] as number;
    if (first === Number.POSITIVE_INFINITY || first === Number.NEGATIVE_INFINITY) return undefined;
    const head = words[at] as number;
    if (form === 'narrow') return isBool ? head !== 0 : head;
    const tail = words[at + 1] as number;
    return head === 0 ? tail : canonicalInteger(bigOf(head, tail));
  };
}
