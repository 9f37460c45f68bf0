import type { Column } from './batch.ts';
import type { ColumnStore } from './row-reports.ts';
import { noColumn, type ValueType } from './types.ts';

/** A column of the first `slots.length` chosen slots of a store, in that order. */
export function gatherColumn(type: ValueType, store: ColumnStore, slots: Int32Array): Column {
  const { values, valid } = store;
  const nulls = valid === null ? null : pick(valid, slots, new Uint8Array(slots.length));
  const kept = nulls === null || !nulls.includes(0) ? null : nulls;
  switch (type.kind) {
    case 'int64':
    case 'decimal':
    case 'timestamp':
    case 'float64': {
      const numbers = pick(values as Float64Array, slots, new Float64Array(slots.length));
      return {
        kind: 'number',
        type,
        values: numbers,
        wide: gatherWide(store, slots),
        valid: kept,
      };
    }
    case 'bool': {
      const flags = pick(values as Uint8Array, slots, new Uint8Array(slots.length));
      return { kind: 'bool', type, values: flags, valid: kept };
    }
    case 'string':
      return {
        kind: 'string',
        type,
        values: pickStrings(values as string[], slots),
        valid: kept,
      };
    case 'vector': {
      const vectors = new Float32Array(slots.length * type.size);
      slots.forEach((slot, i) => {
        const from = slot * type.size;
        vectors.set((values as Float32Array).subarray(from, from + type.size), i * type.size);
      });
      return { kind: 'vector', type, values: vectors, valid: kept };
    }
    default:
      return noColumn(type);
  }
}

function gatherWide({ wide, values }: ColumnStore, slots: Int32Array): BigInt64Array | null {
  if (wide === null) return null;
  if (slots.every((slot) => Number.isSafeInteger(values[slot]))) return null;
  return BigInt64Array.from(slots, (slot) => {
    const narrow = values[slot] as number;
    return Number.isSafeInteger(narrow) ? BigInt(narrow) : (wide[slot] ?? 0n);
  });
}

/** Slots mostly run on without a gap; then the copy is one. */
function pick<T extends Float64Array | Uint8Array>(from: T, slots: Int32Array, into: T): T {
  const first = slots[0] ?? 0;
  const last = slots[slots.length - 1] ?? -1;
  if (last - first === slots.length - 1) {
    into.set(from.subarray(first, last + 1));
    return into;
  }
  for (let i = 0; i < slots.length; i++) into[i] = from[slots[i] as number] as number;
  return into;
}

function pickStrings(from: readonly string[], slots: Int32Array): string[] {
  const first = slots[0] ?? 0;
  const last = slots[slots.length - 1] ?? -1;
  if (last - first === slots.length - 1) return from.slice(first, last + 1);
  return Array.from(slots, (slot) => from[slot] as string);
}
