import { createHash } from 'node:crypto';
import { present } from '../base/assert.ts';
import { canonicalInteger, type FeatureValue, type Scalar } from '../schema/types.ts';
import { OVERFLOW } from './finish-spec.ts';
import type { OracleFeature, OracleInputs, OracleRow } from './oracle-rows.ts';
import { fitsInt64, inValueOrder, unitsOf } from './oracle-values.ts';

type Answer = FeatureValue | undefined | typeof OVERFLOW;

const TWO_52 = 2n ** 52n;

/** How many of the events of one value there are, taken back or not, and how many are left. */
interface Distinct {
  readonly value: Scalar;
  live: number;
}

/** How much the one accumulator keeps. */
function sizeOf(feature: OracleFeature): number {
  return present(feature.size, `${feature.fn} has a size`);
}

function countOf(feature: OracleFeature): number {
  return present(feature.count, `${feature.fn} has a count`);
}

/** The distinct values that ever were, in ascending order. */
function distinctValues({ gross, live }: OracleInputs): Distinct[] {
  const byValue = new Map<Scalar, Distinct>();
  for (const { value } of gross) if (!byValue.has(value)) byValue.set(value, { value, live: 0 });
  for (const { value } of live) present(byValue.get(value), 'a live value').live += 1;
  return [...byValue.values()].sort((a, b) => inValueOrder(a.value, b.value));
}

/** min and max: of the first `size` values, the first that is left. */
export function oracleExtreme(inputs: OracleInputs, feature: OracleFeature): Answer {
  const values = distinctValues(inputs);
  if (feature.fn === 'max') values.reverse();
  const kept = feature.retractable ? values.slice(0, sizeOf(feature)) : values;
  const found = kept.find((one) => one.live > 0);
  if (found !== undefined) return found.value;
  return kept.length < values.length ? OVERFLOW : undefined;
}

/** first, last, first_n and last_n. */
export function oracleEnds(inputs: OracleInputs, feature: OracleFeature): Answer {
  const isLast = feature.fn === 'last' || feature.fn === 'last_n';
  const isOne = feature.fn === 'first' || feature.fn === 'last';
  const wanted = isOne ? 1 : countOf(feature);
  const ends = (rows: readonly OracleRow[], n: number) =>
    isLast ? rows.slice(Math.max(0, rows.length - n)) : rows.slice(0, n);
  const kept = feature.retractable ? ends(inputs.gross, sizeOf(feature)) : inputs.gross;
  const left = kept.filter((row) => inputs.live.includes(row));
  const chosen = ends(left, wanted).map((row) => row.value);
  if (chosen.length < wanted && kept.length < inputs.gross.length) return OVERFLOW;
  if (chosen.length === 0) return undefined;
  return isOne ? chosen[0] : chosen;
}

export function oracleTop(inputs: OracleInputs, feature: OracleFeature): Answer {
  const values = distinctValues(inputs);
  if (values.length > sizeOf(feature)) return OVERFLOW;
  const left = values.filter((one) => one.live > 0);
  if (left.length === 0) return undefined;
  if (feature.fn === 'histogram') return left.map(({ value, live }) => ({ value, count: live }));
  const top = left.toSorted((a, b) => b.live - a.live).slice(0, countOf(feature));
  return top.map((one) => one.value);
}

/** Beyond the bound an estimate, of at least what is known; of too few that are left, none. */
export function oracleDistinct(inputs: OracleInputs, feature: OracleFeature): Answer {
  const size = sizeOf(feature);
  const hashOf = (row: OracleRow): bigint => hash(textOf(row.value, feature));
  const hashes = [...new Set(inputs.gross.map(hashOf))].sort((a, b) => (a < b ? -1 : 1));
  const living = new Set(inputs.live.map(hashOf));
  const kept = hashes.slice(0, size);
  const live = BigInt(kept.filter((one) => living.has(one)).length);
  if (hashes.length <= size) return live === 0n ? undefined : Number(live);
  const last = present(kept.at(-1), 'a kept hash');
  const greatest = last > 1n ? last : 1n;
  const k = BigInt(size);
  if (!feature.retractable) return Math.max(size + 1, Number(((k - 1n) * TWO_52) / greatest));
  if (live * 2n < k) return OVERFLOW;
  return Math.max(Number(live), Number((live * (k - 1n) * TWO_52) / (k * greatest)));
}

function hash(text: string): bigint {
  return BigInt(`0x${createHash('md5').update(text, 'utf8').digest('hex').slice(0, 13)}`);
}

function textOf(value: Scalar, feature: OracleFeature): string {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  return isNumber ? unitsOf(value, feature).toString() : String(value);
}

/** The middle of the bucket in which the value of the rank lies. */
export function oracleQuantile({ live }: OracleInputs, feature: OracleFeature): Answer {
  if (live.length === 0) return undefined;
  const units = live.map((row) => unitsOf(row.value, feature)).sort((a, b) => (a < b ? -1 : 1));
  const millionths = BigInt(live.length) * BigInt(present(feature.rankPpm, 'a rank'));
  const rank = Math.max(1, Math.ceil(Number(millionths) / 1e6));
  const middle = middleOfBucket(present(units[rank - 1], 'a rank'), BigInt(sizeOf(feature)));
  if (feature.type.kind === 'float64') return Number(middle) / Number(10n ** BigInt(feature.scale));
  return fitsInt64(middle) ? canonicalInteger(middle) : OVERFLOW;
}

function middleOfBucket(value: bigint, bits: bigint): bigint {
  const size = value < 0n ? -value : value;
  if (size < 2n ** (bits + 1n)) return value;
  // The lowest number with the same first bits + 1 digits, and how many numbers have these.
  const width = 2n ** (BigInt(size.toString(2).length) - (bits + 1n));
  const middle = (size / width) * width + (width - 1n) / 2n;
  return value < 0n ? -middle : middle;
}
