import { unreachable } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import { noColumn, type ValueType } from '../schema/types.ts';
import type { CellValue } from './row-bytes.ts';

/** One value of a column, exact. */
export function cellOf(column: Column, row: number): CellValue {
  if (column.valid?.[row] === 0) return null;
  switch (column.kind) {
    case 'number': {
      const value = column.values[row] as number;
      return column.wide === null || Number.isSafeInteger(value)
        ? value
        : (column.wide[row] as bigint);
    }
    case 'bool':
      return column.values[row] === 1;
    case 'string':
      return column.values[row] as string;
    case 'vector': {
      const size = column.type.kind === 'vector' ? column.type.size : 0;
      return column.values.subarray(row * size, (row + 1) * size);
    }
    default:
      return unreachable(column);
  }
}

/** A column in its normal form, of values that fit its type. */
export function columnOfCells(type: ValueType, cells: readonly CellValue[]): Column {
  const flags = Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1));
  const valid = flags.includes(0) ? flags : null;
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
    case 'float64': {
      const values = Float64Array.from(cells, (cell) => Number(cell ?? 0));
      const isWide = cells.some((cell) => typeof cell === 'bigint');
      const exact = (cell: CellValue): bigint =>
        typeof cell === 'bigint' || typeof cell === 'number' ? BigInt(cell) : 0n;
      const wide = isWide ? BigInt64Array.from(cells, exact) : null;
      return { kind: 'number', type, values, wide, valid };
    }
    case 'bool':
      return { kind: 'bool', type, values: Uint8Array.from(cells, Number), valid };
    case 'string':
      return { kind: 'string', type, values: cells.map((cell) => String(cell ?? '')), valid };
    case 'vector': {
      const values = new Float32Array(cells.length * type.size);
      cells.forEach((cell, row) => {
        if (cell instanceof Float32Array) values.set(cell, row * type.size);
      });
      return { kind: 'vector', type, values, valid };
    }
    default:
      return noColumn(type);
  }
}
