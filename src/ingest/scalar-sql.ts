import type { Scalar, ValueType } from '../schema/types.ts';

/** A value of a column as SQL of the offline relation: units of decimals, epoch milliseconds. */
export function scalarSql(value: Scalar, type: ValueType): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'boolean') return String(value);
  return type.kind === 'float64' ? doubleSql(Number(value)) : `CAST('${value}' AS BIGINT)`;
}

/** The shortest text that reads back as the same float64. */
export function doubleSql(value: number): string {
  return `CAST('${value}' AS DOUBLE)`;
}
