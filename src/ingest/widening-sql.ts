import { AssertionFailure } from '../base/assert.ts';
import { EXACT_LIMIT } from '../schema/read-value.ts';
import { INT64_MAX, typeText, type ValueType } from '../schema/types.ts';
import { doubleSql } from './scalar-sql.ts';

/** `convertScalar` in SQL: the value, and where it is one of the other type. */
interface Conversion {
  readonly value: string;
  readonly fits: string;
}

/** A column under another type of its history; a value that does not fit fails the query. */
export function convertSql(column: string, from: ValueType, to: ValueType): string {
  const { value, fits } = conversion(column, from, to);
  const type = to.kind === 'float64' ? 'DOUBLE' : 'BIGINT';
  const misfit = `CAST(error('an archived ${typeText(from)} is no ${typeText(to)}') AS ${type})`;
  return `CASE WHEN ${column} IS NULL THEN NULL WHEN ${fits} THEN ${value} ELSE ${misfit} END`;
}

/** True where a value is none of the other type; never null. */
export function misfitSql(column: string, from: ValueType, to: ValueType): string {
  return `(${column} IS NOT NULL AND NOT (${conversion(column, from, to).fits}))`;
}

function conversion(column: string, from: ValueType, to: ValueType): Conversion {
  if (from.kind === 'float64') {
    const units = `round(${column} * ${power(scaleOf(to))})`;
    const back = `${units} / ${power(scaleOf(to))} = ${column}`;
    return {
      value: `CAST(${units} AS BIGINT)`,
      fits: `abs(${units}) < ${EXACT_LIMIT} AND ${back}`,
    };
  }
  const scale = scaleOf(from);
  if (to.kind === 'float64') {
    const value = `CAST(${column} AS DOUBLE) / ${power(scale)}`;
    const units = `CAST(${column} AS DOUBLE)`;
    const quantized = `${value} * ${power(to.scale)}`;
    const fits = [
      `${column} BETWEEN ${1 - EXACT_LIMIT} AND ${EXACT_LIMIT - 1}`,
      `abs(${quantized}) < ${EXACT_LIMIT}`,
      `abs(${quantized} - ${units} * ${power(to.scale - scale)}) < 0.5`,
      `abs(${value} * ${power(scale)} - ${units}) < 0.5`,
    ];
    return { value, fits: fits.join(' AND ') };
  }
  const shift = scaleOf(to) - scale;
  const factor = 10n ** BigInt(Math.abs(shift));
  if (shift < 0) return { value: `${column} // ${factor}`, fits: `${column} % ${factor} = 0` };
  const bound = INT64_MAX / factor;
  return { value: `${column} * ${factor}`, fits: `${column} BETWEEN -${bound} AND ${bound}` };
}

function scaleOf(type: ValueType): number {
  if (type.kind === 'int64') return 0;
  if (type.kind === 'decimal') return type.scale;
  throw new AssertionFailure(`${typeText(type)} is converted to nothing`);
}

function power(scale: number): string {
  return doubleSql(10 ** scale);
}
