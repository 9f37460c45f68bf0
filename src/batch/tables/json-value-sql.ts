import { noColumn, type ValueType } from '../../schema/types.ts';
import { finiteSql, textValueSql, vectorSql } from './text-value-sql.ts';
import type { Rounding } from './zone-sql.ts';

/** Up to fifteen digits a JSON number tells decimals apart; the door reads more from text only. */
const EXACT_DECIMAL = '1e15';

/** The value of a JSON cell as the door reads it; null where it stands for none. */
export function jsonValueSql(
  type: ValueType,
  json: string,
  timeZone: string,
  rounding: Rounding = 'exact',
): string {
  const kind = `json_type(${json})`;
  const isText = `${kind} = 'VARCHAR'`;
  const isWhole = `${kind} IN ('BIGINT', 'UBIGINT')`;
  const isNumber = `${kind} IN ('BIGINT', 'UBIGINT', 'DOUBLE')`;
  const text = `json_extract_string(${json}, '$')`;
  const digits = `CAST(${json} AS VARCHAR)`;
  const double = `TRY_CAST(${digits} AS DOUBLE)`;
  const ofText = textValueSql(type, text, timeZone, rounding);
  switch (type.kind) {
    case 'int64':
      return `CASE WHEN ${isText} THEN ${ofText} WHEN ${isWhole} THEN TRY_CAST(${digits} AS BIGINT)
        WHEN ${kind} = 'DOUBLE' THEN ${wholeSql(double)} END`;
    case 'decimal':
      return `CASE WHEN ${isText} THEN ${ofText}
        WHEN ${isNumber} AND (abs(${double}) * 1e${type.scale} < ${EXACT_DECIMAL}
          OR (${isWhole} AND abs(${double}) > 9007199254740991))
        THEN ${textValueSql(type, digits, timeZone)} END`;
    case 'float64':
      return `CASE WHEN ${isText} THEN ${ofText} WHEN ${isNumber} THEN ${finiteSql(double)} END`;
    case 'timestamp':
      return `CASE WHEN ${isText} THEN ${ofText} WHEN ${isNumber} THEN ${wholeSql(double)} END`;
    case 'bool':
      return `CASE WHEN ${kind} = 'BOOLEAN' THEN CAST(${json} AS BOOLEAN) END`;
    case 'string':
      return `CASE WHEN ${isText} THEN ${text} END`;
    case 'vector':
      return vectorSql(`CASE WHEN ${kind} = 'ARRAY' THEN ${numbersSql(json)} END`, type.size);
    default:
      return noColumn(type);
  }
}

/** A double that is a safe integer. */
function wholeSql(double: string): string {
  return `CASE WHEN isfinite(${double}) AND abs(${double}) <= 9007199254740991
    AND floor(${double}) = ${double} THEN CAST(${double} AS BIGINT) END`;
}

/** The numbers of a JSON array; a null for each element that is none. */
function numbersSql(json: string): string {
  return `list_transform(CAST(${json} AS JSON[]), lambda e: CASE
    WHEN json_type(e) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN TRY_CAST(CAST(e AS VARCHAR) AS DOUBLE) END)`;
}
