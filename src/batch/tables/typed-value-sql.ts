import { noColumn, type ValueType } from '../../schema/types.ts';
import { decimalSql, finiteSql, textValueSql, vectorSql } from './text-value-sql.ts';
import { localMs, type Rounding, utcMs } from './zone-sql.ts';

const INTEGERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/;
const DECIMAL = /^DECIMAL\(\d+,(\d+)\)$/;
const ZONED = 'TIMESTAMP WITH TIME ZONE';
/** Decimal text of any number of digits, as PostgreSQL's numeric comes. */
export const DECIMAL_TEXT = 'decimal text';

/**
 * The value of a cell of a DuckDB type, or null if values of that type are not taken for the
 * column's: only what is exact for every value is, and what single values may make inexact is
 * null for those.
 */
export function typedValueSql(
  type: ValueType,
  found: string,
  cell: string,
  timeZone: string,
  rounding: Rounding = 'exact',
): string | null {
  switch (type.kind) {
    case 'int64':
      return integerSql(found, cell);
    case 'decimal':
      return decimalOf(found, cell, type.scale);
    case 'float64':
      return INTEGERS.test(found) || found === 'FLOAT' || found === 'DOUBLE'
        ? finiteSql(`CAST(${cell} AS DOUBLE)`)
        : null;
    case 'timestamp':
      return timeSql(found, cell, timeZone, rounding);
    case 'bool':
      return found === 'BOOLEAN' ? cell : null;
    case 'string':
      if (found === 'VARCHAR') return cell;
      return found === 'UUID' || found.startsWith('ENUM(') ? `CAST(${cell} AS VARCHAR)` : null;
    case 'vector':
      return /^(FLOAT|DOUBLE)\[\d*\]$/.test(found)
        ? vectorSql(
            `CAST(${cell} AS ${found.startsWith('FLOAT') ? 'FLOAT' : 'DOUBLE'}[])`,
            type.size,
          )
        : null;
    default:
      return noColumn(type);
  }
}

function integerSql(found: string, cell: string): string | null {
  if (INTEGERS.test(found)) return `TRY_CAST(${cell} AS BIGINT)`;
  return DECIMAL.test(found) || found === DECIMAL_TEXT
    ? decimalSql(`CAST(${cell} AS VARCHAR)`, 0)
    : null;
}

function decimalOf(found: string, cell: string, scale: number): string | null {
  const isExact = INTEGERS.test(found) || DECIMAL.test(found) || found === DECIMAL_TEXT;
  if (!isExact) return null;
  return decimalSql(`CAST(${cell} AS VARCHAR)`, scale);
}

function timeSql(found: string, cell: string, timeZone: string, rounding: Rounding): string | null {
  if (found === ZONED) return utcMs(cell, rounding);
  if (found === 'DATE') return utcMs(`CAST(${cell} AS TIMESTAMP)`);
  if (found === 'TIMESTAMP_NS' && rounding !== 'exact') {
    return roundedNanosSql(cell, timeZone, rounding);
  }
  if (found === 'TIMESTAMP_NS') {
    const micros = localMs(`CAST(${cell} AS TIMESTAMP)`, timeZone);
    return `CASE WHEN epoch_ns(${cell}) % 1000000 = 0 THEN ${micros} END`;
  }
  if (found.startsWith('TIMESTAMP')) {
    return localMs(`CAST(${cell} AS TIMESTAMP)`, timeZone, rounding);
  }
  return INTEGERS.test(found) ? `TRY_CAST(${cell} AS BIGINT)` : null;
}

/** A cast of nanoseconds drops digits towards 0, so microseconds are counted down here. */
function roundedNanosSql(cell: string, timeZone: string, rounding: Rounding): string {
  const nanos = `epoch_ns(${cell})`;
  const micros = `make_timestamp((${nanos} - (${nanos} % 1000 + 1000) % 1000) // 1000)`;
  const down = localMs(micros, timeZone, 'down');
  return rounding === 'down' ? down : `${down} + CAST(${nanos} % 1000000 <> 0 AS INTEGER)`;
}

/** A cell of a text file: as JSON text, but true and false may be 1 and 0, and times numbers. */
export function fieldValueSql(
  type: ValueType,
  cell: string,
  timeZone: string,
  rounding: Rounding = 'exact',
): string {
  if (type.kind === 'string') return cell;
  const text = `trim(${cell})`;
  if (type.kind === 'timestamp') {
    const digits = `regexp_full_match(${text}, '-?[0-9]{1,15}')`;
    return `CASE WHEN ${digits} THEN CAST(${text} AS BIGINT)
      ELSE ${textValueSql(type, text, timeZone, rounding)} END`;
  }
  if (type.kind === 'bool') {
    return `CASE lower(${text}) WHEN 'true' THEN true WHEN '1' THEN true
      WHEN 'false' THEN false WHEN '0' THEN false END`;
  }
  return textValueSql(type, text, timeZone);
}
