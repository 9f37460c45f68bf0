import type { ColumnStore } from './row-reports.ts';
import { type ColumnSchema, noColumn } from './types.ts';

/** Room for so many values of a column, none of them null. */
export function emptyStore({ type }: ColumnSchema, capacity: number): ColumnStore {
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
    case 'float64':
      return { values: new Float64Array(capacity), wide: null, valid: null };
    case 'bool':
      return { values: new Uint8Array(capacity), wide: null, valid: null };
    case 'string':
      return { values: [], wide: null, valid: null };
    case 'vector':
      return { values: new Float32Array(capacity * type.size), wide: null, valid: null };
    default:
      return noColumn(type);
  }
}
