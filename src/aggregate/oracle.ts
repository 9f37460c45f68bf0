import { unreachable } from '../base/assert.ts';
import { naiveKept } from '../schema/kept-oracle.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';
import { type Finished, OVERFLOW } from './finish-spec.ts';
import {
  oracleDistinct,
  oracleEnds,
  oracleExtreme,
  oracleQuantile,
  oracleTop,
} from './oracle-entries.ts';
import { oracleLatest } from './oracle-latest.ts';
import { type OracleFeature, type OracleRow, oracleInputs } from './oracle-rows.ts';
import { fitsInt64, unitsOf } from './oracle-values.ts';

export type { OracleFeature, OracleRow } from './oracle-rows.ts';

/**
 * The value of a feature at a time by the letter of semantics §3 and §5: slow, naive, and what every
 * fast path is held to. Undefined where the window has no inputs.
 */
export function oracleAggregate(
  rows: Iterable<OracleRow>,
  feature: OracleFeature,
  timeMs: number,
): Finished {
  const value = finishedOf(rows, feature, timeMs);
  if (feature.kept === undefined || feature.kept === null || typeof value !== 'number')
    return value;
  const rounded = naiveKept(feature.kept, value);
  return Number.isFinite(rounded) ? rounded : OVERFLOW;
}

function finishedOf(rows: Iterable<OracleRow>, feature: OracleFeature, timeMs: number): Finished {
  const inputs = oracleInputs(rows, feature, timeMs);
  if (inputs === null) return OVERFLOW;
  const values = inputs.live.map((row) => row.value);
  switch (feature.fn) {
    case 'count':
      return values.length === 0 ? undefined : values.length;
    case 'first':
    case 'last':
    case 'first_n':
    case 'last_n':
      return oracleEnds(inputs, feature);
    case 'min':
    case 'max':
      return oracleExtreme(inputs, feature);
    case 'count_distinct':
      return oracleDistinct(inputs, feature);
    case 'quantile':
      return oracleQuantile(inputs, feature);
    case 'top_k':
    case 'histogram':
      return oracleTop(inputs, feature);
    case 'latest':
      return oracleLatest(inputs, feature, timeMs);
    case 'sum':
      return oracleSum(values, feature);
    case 'avg':
      return oracleAverage(values, feature);
    case 'var_pop':
      return oracleVariance(values, feature, 0n);
    case 'var_samp':
      return oracleVariance(values, feature, 1n);
    case 'stddev_pop':
      return rootOf(oracleVariance(values, feature, 0n));
    case 'stddev_samp':
      return rootOf(oracleVariance(values, feature, 1n));
    default:
      return unreachable(feature.fn);
  }
}

function total(values: readonly Scalar[], feature: OracleFeature): bigint {
  return values.reduce<bigint>((sum, value) => sum + unitsOf(value, feature), 0n);
}

function oracleSum(
  values: readonly Scalar[],
  feature: OracleFeature,
): Scalar | undefined | typeof OVERFLOW {
  if (values.length === 0) return undefined;
  const sum = total(values, feature);
  if (feature.type.kind === 'float64') return Number(sum) / Number(10n ** BigInt(feature.scale));
  return fitsInt64(sum) ? canonicalInteger(sum) : OVERFLOW;
}

function oracleAverage(values: readonly Scalar[], feature: OracleFeature): number | undefined {
  if (values.length === 0) return undefined;
  const n = BigInt(values.length);
  return Number(total(values, feature)) / Number(n * 10n ** BigInt(feature.scale));
}

function oracleVariance(
  values: readonly Scalar[],
  feature: OracleFeature,
  fewer: 0n | 1n,
): number | undefined {
  const n = BigInt(values.length);
  if (n <= fewer) return undefined;
  const sum = total(values, feature);
  const squares = values.reduce<bigint>((q, value) => q + unitsOf(value, feature) ** 2n, 0n);
  const unit = 10n ** BigInt(2 * feature.scale);
  return Number(n * squares - sum * sum) / Number(n * (n - fewer) * unit);
}

function rootOf(variance: number | undefined): number | undefined {
  return variance === undefined ? undefined : Math.sqrt(variance);
}
