import { unreachable } from '../base/assert.ts';
import type { ValueType } from './types.ts';

/** The DuckDB type that holds a value exactly; decimals are units, timestamps epoch ms. */
export function duckDbType(type: ValueType): string {
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
      return 'BIGINT';
    case 'float64':
      return 'DOUBLE';
    case 'bool':
      return 'BOOLEAN';
    case 'string':
      return 'VARCHAR';
    case 'vector':
      return `FLOAT[${type.size}]`;
    case 'list':
      return `${duckDbType(type.of)}[]`;
    case 'counts':
      return `STRUCT("value" ${duckDbType(type.of)}, "count" BIGINT)[]`;
    default:
      return unreachable(type);
  }
}
