import { toDuckDb } from '../expr/duckdb.ts';
import type { LiteralValue } from '../expr/node.ts';
import type { ValueType } from '../schema/types.ts';

/** A declared default as SQL of the feature's own type. */
export function literalSql(type: ValueType, value: LiteralValue): string {
  return toDuckDb({ kind: 'literal', type, value }, (name) => name);
}

/** 10^scale as a DOUBLE, exact up to 10^22. */
export function powerOfTenSql(scale: number): string {
  return `CAST('1e${scale}' AS DOUBLE)`;
}
