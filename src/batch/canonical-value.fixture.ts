import { DuckDBDecimalValue, DuckDBListValue, DuckDBStructValue } from '@duckdb/node-api';
import { canonicalInteger, type FeatureValue, type Scalar } from '../schema/types.ts';

/** What DuckDB gives for a cell of a training set, as the oracle says it. */
export function canonicalValue(value: unknown): FeatureValue {
  if (value instanceof DuckDBListValue) {
    return value.items.map((item) => canonicalValue(item)) as FeatureValue;
  }
  if (value instanceof DuckDBStructValue) {
    const { value: one, count } = value.entries;
    return { value: canonicalValue(one), count: Number(count) } as never;
  }
  if (value instanceof DuckDBDecimalValue) return canonicalInteger(value.value);
  if (typeof value === 'bigint') return canonicalInteger(value);
  return value as Scalar;
}
