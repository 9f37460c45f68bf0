import type { Column } from '../schema/batch.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';
import { SCHEMA } from './generators.fixture.ts';
import { isIntegerKind } from './literal.ts';

/** Plain values as the columns of a batch. */
export function columnsOf(rows: readonly (readonly Scalar[])[]): Column[] {
  return SCHEMA.map(({ type }, at) => {
    const cells = rows.map((row) => row[at] ?? null);
    const hasNull = cells.includes(null);
    const valid = hasNull ? Uint8Array.from(cells, (cell) => (cell === null ? 0 : 1)) : null;
    if (type.kind === 'string') {
      return { kind: 'string', type, values: cells.map((cell) => String(cell ?? '')), valid };
    }
    if (type.kind === 'bool') {
      return { kind: 'bool', type, values: Uint8Array.from(cells, Number), valid };
    }
    const values = Float64Array.from(cells, Number);
    const isWide = cells.some((cell) => typeof cell === 'bigint');
    const wide = isWide ? BigInt64Array.from(cells, (cell) => BigInt(cell ?? 0)) : null;
    return { kind: 'number', type, values, wide, valid };
  });
}

/** One value of a column; a promise of the column that is broken throws. */
export function valueAt(from: Column, index: number): Scalar {
  if (from.kind === 'vector') throw new TypeError('no vectors here');
  const slot = from.kind === 'number' && from.wide !== null ? from.wide[index] : from.values[index];
  if (from.valid !== null && from.valid[index] === 0) {
    if (slot !== '' && Number(slot) !== 0) throw new Error(`a null slot holds ${slot}`);
    return null;
  }
  if (typeof slot === 'bigint') return canonicalInteger(slot);
  if (from.kind === 'bool') return slot === 1;
  if (slot === undefined) throw new Error(`row ${index} is absent`);
  if (typeof slot === 'number' && isIntegerKind(from.type) && !Number.isSafeInteger(slot)) {
    throw new Error(`a narrow integer is ${slot}`);
  }
  return slot;
}
