import type { ValueType } from '../../schema/types.ts';

/** The name of the unit that a value of the unit column stands for, as SQL. */
export function unitSql(type: ValueType, value: string): string {
  if (type.kind === 'timestamp') {
    return `strftime(make_timestamp(${value} * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')`;
  }
  return `CAST(${value} AS VARCHAR)`;
}
