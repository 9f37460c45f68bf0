import { sqlString } from '../../ingest/archive-relation.ts';
import { noColumn, type ValueType } from '../../schema/types.ts';
import { localMs, type Rounding, utcMs } from './zone-sql.ts';

const INTEGER = '-?[0-9]{1,30}';
const NUMBER = '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?';
const DECIMAL = '[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?';
const DAY = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
/** Whole milliseconds: digits behind the third are noughts. */
const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,3}|[.][0-9]{3}0{1,6})?';
/** Finer ones too. */
const FINE_CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?';
const ZONE = '([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])';

/** A time that names its zone, as the door reads it (RFC 3339). */
const zoned = (clock: string): string => `${DAY}[Tt ]${clock}${ZONE}`;
/** A time that names none, or a day. */
const naive = (clock: string): string => `${DAY}([Tt ]${clock})?`;

function matches(text: string, pattern: string): string {
  return `regexp_full_match(${text}, ${sqlString(pattern)})`;
}

/** Whether a text is a time that names its zone, and whether it is one that does not. */
export function zonedSql(text: string): string {
  return matches(text, zoned(FINE_CLOCK));
}

export function naiveSql(text: string): string {
  return matches(text, naive(FINE_CLOCK));
}

/** The value of a text, as the door reads it from JSON text; null where it stands for none. */
export function textValueSql(
  type: ValueType,
  text: string,
  timeZone: string,
  rounding: Rounding = 'exact',
): string {
  switch (type.kind) {
    case 'int64':
      return `CASE WHEN ${matches(text, INTEGER)} THEN TRY_CAST(${text} AS BIGINT) END`;
    case 'decimal':
      return decimalSql(text, type.scale);
    case 'float64':
      return `CASE WHEN ${matches(text, NUMBER)} THEN ${finiteSql(`TRY_CAST(${text} AS DOUBLE)`)} END`;
    case 'timestamp':
      return rounding === 'exact'
        ? timeTextSql(text, timeZone, CLOCK)
        : roundedTextSql(text, timeZone, rounding);
    case 'bool':
      return `CASE lower(${text}) WHEN 'true' THEN true WHEN 'false' THEN false END`;
    case 'string':
      return text;
    case 'vector':
      return vectorSql(`TRY_CAST(${text} AS DOUBLE[])`, type.size);
    default:
      return noColumn(type);
  }
}

/** Null for NaN and the infinities; -0 becomes 0. */
export function finiteSql(double: string): string {
  return `CASE WHEN isfinite(${double}) THEN ${double} + 0 END`;
}

/** A list as a vector; null where it has another size, or an element that float32 cannot hold. */
export function vectorSql(list: string, size: number): string {
  const whole = `list_transform(${list}, lambda x: TRY_CAST(x AS FLOAT) + 0)`;
  const held = `list_filter(${whole}, lambda x: x IS NOT NULL AND isfinite(x))`;
  // An array is no result of CASE, but a list is.
  return `CAST(CASE WHEN len(${list}) = ${size} AND len(${held}) = ${size}
    THEN ${held} END AS FLOAT[${size}])`;
}

/**
 * Units of 10^-scale; null where a digit would be lost, or where it is beyond int64. Digits are
 * moved as text, so nothing is rounded on the way, however the number is written.
 */
export function decimalSql(text: string, scale: number): string {
  const mantissa = `split_part(lower(${text}), 'e', 1)`;
  const exponent = `coalesce(TRY_CAST(ltrim(split_part(lower(${text}), 'e', 2), '+') AS INTEGER), 0)`;
  const sign = `CASE WHEN ${text} LIKE '-%' THEN '-' ELSE '' END`;
  const digits = `replace(ltrim(${mantissa}, '+-'), '.', '')`;
  const shift = `(${scale} - length(split_part(${mantissa}, '.', 2)) + ${exponent})`;
  const moved = `CASE
    WHEN ${shift} BETWEEN 0 AND 40 THEN ${digits} || repeat('0', ${shift})
    WHEN ${matches(`right(${digits}, -${shift})`, '0+')} THEN left(${digits}, length(${digits}) + ${shift})
    END`;
  return `CASE WHEN NOT ${matches(text, DECIMAL)} THEN NULL
    WHEN ${matches(digits, '0+')} THEN 0
    ELSE TRY_CAST(${sign} || ${moved} AS BIGINT) END`;
}

function timeTextSql(text: string, timeZone: string, clock: string): string {
  const instant = `TRY_CAST(replace(upper(${text}), 'T', ' ') AS TIMESTAMPTZ)`;
  const shown = `TRY_CAST(replace(upper(${text}), 'T', ' ') AS TIMESTAMP)`;
  return `CASE WHEN ${matches(text, zoned(clock))} THEN ${utcMs(instant)}
    WHEN ${matches(text, naive(clock))} THEN ${localMs(shown, timeZone)} END`;
}

/** Digits behind the third are left out, which is down, before the epoch too. */
function roundedTextSql(text: string, timeZone: string, rounding: Rounding): string {
  const cut = `regexp_replace(${text}, '([.][0-9]{3})[0-9]{1,6}', '\\1')`;
  const down = timeTextSql(cut, timeZone, CLOCK);
  if (rounding === 'down') return down;
  return `${down} + CAST(regexp_matches(${text}, '[.][0-9]{3}0*[1-9]') AS INTEGER)`;
}
