import { compareUtf8 } from '../base/utf8-order.ts';
import type { Column } from './batch.ts';
import { gatherColumn } from './column-gather.ts';
import { emptyStore } from './column-store.ts';
import { heldNumber, numberFill } from './number-fill.ts';
import { readString, readValue, ValueProblem } from './read-value.ts';
import type { ColumnStore, JsonRow, RowReports } from './row-reports.ts';
import type { TypedColumn } from './typed-column.ts';
import type { ColumnSchema, Scalar } from './types.ts';

/**
 * Gathers one column of many rows. It is filled column by column, so that what a type needs is
 * decided once a chunk and not once a value.
 */
export class ColumnBuilder {
  readonly schema: ColumnSchema;
  readonly #read: (row: JsonRow) => unknown;
  /** Units of the last decimal place in 1. */
  readonly #factor: number;
  #store: ColumnStore;
  #capacity: number;

  constructor(schema: ColumnSchema, capacity: number) {
    this.schema = schema;
    this.#capacity = capacity;
    this.#store = emptyStore(schema, capacity);
    const { name, type } = schema;
    this.#factor = 'scale' in type ? 10 ** type.scale : 1;
    // A column may share its name with what every object inherits; only the row's own one counts.
    this.#read = isPlainName(name)
      ? (row) => row[name]
      : (row) => (Object.hasOwn(row, name) ? row[name] : undefined);
  }

  get store(): Readonly<ColumnStore> {
    return this.#store;
  }

  /** Reads the column of `rows` into the slots from `start` on. */
  fill(rows: readonly JsonRow[], start: number, reports: RowReports): void {
    this.#grow(start + rows.length);
    const { kind } = this.schema.type;
    if (kind === 'string') this.#fillStrings(rows, start, reports);
    else if (kind === 'bool' || kind === 'vector' || !isPlainName(this.schema.name)) {
      this.#fillSlowly(rows, start, reports);
    } else {
      numberFill(this.schema, this.#store, rows, start, reports, (value, slot) =>
        this.#place(value, slot, reports),
      );
    }
    this.checkRange(start, start + rows.length, reports);
  }

  /** Takes over `count` values that came with their type; what is wrong with them is known. */
  append(
    { column, problems }: TypedColumn,
    count: number,
    start: number,
    reports: RowReports,
  ): void {
    this.#grow(start + count);
    const store = this.#store;
    if (column.kind === 'string') {
      const values = store.values as string[];
      for (let i = 0; i < count; i++) values[start + i] = column.values[i] as string;
    } else {
      const size = column.type.kind === 'vector' ? column.type.size : 1;
      (store.values as Float64Array).set(column.values, start * size);
    }
    if (column.kind === 'number' && column.wide !== null) {
      store.wide ??= new BigInt64Array(this.#capacity);
      store.wide.set(column.wide, start);
    }
    if (column.valid !== null) {
      for (let i = 0; i < count; i++)
        if (column.valid[i] === 0) this.#placeNull(start + i, reports);
    }
    for (const [i, problem] of problems) this.#refuse(start + i, problem, reports);
    this.checkRange(start, start + count, reports);
  }

  /** Makes room for `count` slots, to be filled one by one with what the methods below take. */
  reserve(count: number): void {
    this.#grow(count);
  }

  /** Takes a number that needs no second look; false for all others. */
  placeNumber(value: number, slot: number): boolean {
    const held = heldNumber(value, this.schema.type.kind, this.#factor);
    if (Number.isNaN(held)) return false;
    (this.#store.values as Float64Array)[slot] = held;
    return true;
  }

  /** Takes the text of a number or time that needs no second look; false for all others. */
  placeText(text: string, slot: number): boolean {
    const read = readValue(text, this.schema.type);
    if (typeof read !== 'number') return false;
    (this.#store.values as Float64Array)[slot] = read;
    return true;
  }

  /** Places the default or, where it is allowed, a null; else false. */
  placeAbsent(slot: number): boolean {
    if (this.#placeDefault(slot)) return true;
    if (!this.schema.optional) return false;
    this.#clear(slot);
    this.#markNull(slot);
    return true;
  }

  /** Leaves the slot to one of the methods that take rows. */
  vacate(slot: number): void {
    const { values, valid } = this.#store;
    if (valid !== null) valid[slot] = 1;
    // Without a gap, so that the array stays one of strings only.
    if (Array.isArray(values)) values[slot] = '';
  }

  #fillStrings(rows: readonly JsonRow[], start: number, reports: RowReports): void {
    const values = this.#store.values as string[];
    const { present } = reports;
    for (let i = 0; i < rows.length; i++) {
      const value = this.#read(rows[i] as JsonRow);
      const slot = start + i;
      if (typeof value !== 'string') {
        this.#place(value, slot, reports);
        continue;
      }
      present[slot] = (present[slot] as number) + 1;
      const checked = readString(value);
      if (typeof checked === 'string') values[slot] = checked;
      else this.#refuse(slot, checked, reports);
    }
  }

  #fillSlowly(rows: readonly JsonRow[], start: number, reports: RowReports): void {
    for (let i = 0; i < rows.length; i++) {
      this.#place(this.#read(rows[i] as JsonRow), start + i, reports);
    }
  }

  /** Any value, null and absence included. */
  #place(value: unknown, slot: number, reports: RowReports): void {
    const { present } = reports;
    if (value !== undefined) present[slot] = (present[slot] as number) + 1;
    if (value === undefined || value === null) {
      this.#placeNull(slot, reports);
      return;
    }
    let scalar = readValue(value, this.schema.type);
    const { kind } = this.schema.type;
    const exact = kind === 'int64' || kind === 'decimal';
    if (exact && typeof value === 'number' && scalar instanceof ValueProblem) {
      const text = reports.numberText(slot, this.schema.name);
      if (text !== null) scalar = unquoted(readValue(text, this.schema.type), text);
    }
    const { values } = this.#store;
    if (scalar instanceof ValueProblem) this.#refuse(slot, scalar, reports);
    else if (scalar instanceof Float32Array)
      (values as Float32Array).set(scalar, slot * scalar.length);
    else if (typeof scalar === 'string') (values as string[])[slot] = scalar;
    else if (typeof scalar === 'bigint') this.#placeWide(scalar, slot);
    else (values as Float64Array | Uint8Array)[slot] = Number(scalar);
  }

  #placeWide(value: bigint, slot: number): void {
    this.#store.wide ??= new BigInt64Array(this.#capacity);
    this.#store.wide[slot] = value;
    (this.#store.values as Float64Array)[slot] = Number(value);
  }

  /** What stands for a value that is not there; false where nothing does. */
  #placeDefault(slot: number): boolean {
    const given = this.schema.default;
    if (given === undefined || given === null) return false;
    const { values, valid } = this.#store;
    if (valid !== null) valid[slot] = 1;
    if (typeof given === 'string') (values as string[])[slot] = given;
    else if (typeof given === 'bigint') this.#placeWide(given, slot);
    else (values as Float64Array | Uint8Array)[slot] = Number(given);
    return true;
  }

  #placeNull(slot: number, reports: RowReports): void {
    if (this.#placeDefault(slot)) return;
    this.#clear(slot);
    if (this.schema.optional || reports.waived?.[slot] === 1) {
      this.#markNull(slot);
      return;
    }
    const message = `'${this.schema.name}' is missing or null.`;
    this.#report(slot, new ValueProblem('missing_column', message), reports);
  }

  #markNull(slot: number): void {
    this.#store.valid ??= new Uint8Array(this.#capacity).fill(1);
    this.#store.valid[slot] = 0;
  }

  #refuse(slot: number, problem: ValueProblem, reports: RowReports): void {
    this.#clear(slot);
    this.#report(slot, problem, reports);
  }

  #report(slot: number, problem: ValueProblem, reports: RowReports): void {
    if (reports.problems.has(slot)) return;
    reports.problems.set(slot, { column: this.schema.name, problem });
  }

  #clear(slot: number): void {
    const { values } = this.#store;
    if (this.schema.type.kind === 'vector') {
      const { size } = this.schema.type;
      (values as Float32Array).fill(0, slot * size, (slot + 1) * size);
    } else if (this.schema.type.kind === 'string') (values as string[])[slot] = '';
    else (values as Float64Array | Uint8Array)[slot] = 0;
  }

  /** Reports the values beyond the column's bounds. */
  checkRange(start: number, end: number, reports: RowReports): void {
    const { min, max } = this.schema;
    if (min === null && max === null) return;
    const { valid } = this.#store;
    for (let slot = start; slot < end; slot++) {
      if (valid?.[slot] === 0 || reports.problems.has(slot)) continue;
      const value = this.scalarAt(slot);
      const low = min !== null && compareScalars(value, min) < 0;
      if (!low && (max === null || compareScalars(value, max) <= 0)) continue;
      const bound = low ? `below ${min}` : `above ${max}`;
      const message = `'${this.schema.name}' is ${bound}: ${value}.`;
      this.#report(slot, new ValueProblem('out_of_range', message), reports);
    }
  }

  /** The value in a slot, exact; vectors have none. */
  scalarAt(slot: number): Scalar {
    const { values, wide, valid } = this.#store;
    if (valid?.[slot] === 0) return null;
    const exact = wide?.[slot];
    const value = values[slot] ?? null;
    if (exact !== undefined && !Number.isSafeInteger(value)) return exact;
    return this.schema.type.kind === 'bool' ? value === 1 : value;
  }

  #grow(count: number): void {
    if (count <= this.#capacity) return;
    const before = this.#store;
    this.#capacity = Math.max(count, this.#capacity * 2);
    const after = emptyStore(this.schema, this.#capacity);
    if (Array.isArray(before.values)) this.#store = { ...after, values: before.values };
    else {
      (after.values as Float64Array).set(before.values as Float64Array);
      this.#store = after;
    }
    if (before.valid !== null) {
      this.#store.valid = new Uint8Array(this.#capacity).fill(1);
      this.#store.valid.set(before.valid);
    }
    if (before.wide !== null) {
      this.#store.wide = new BigInt64Array(this.#capacity);
      this.#store.wide.set(before.wide);
    }
  }

  /** A column of the first `slots.length` chosen slots, in that order. */
  gather(slots: Int32Array): Column {
    return gatherColumn(this.schema.type, this.#store, slots);
  }
}

/** Whether no object inherits something of this name. */
export function isPlainName(name: string): boolean {
  return !(name in Object.prototype);
}

/** What was sent is a number: the message shows it without the quotes of the text it was read as. */
function unquoted<T>(read: T | ValueProblem, text: string): T | ValueProblem {
  if (!(read instanceof ValueProblem)) return read;
  return new ValueProblem(read.code, read.message.replace(`"${text}"`, text), read.remedy);
}

function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  // Numbers and bigints compare exactly with each other.
  const left = a ?? 0;
  const right = b ?? 0;
  if (left < right) return -1;
  return left > right ? 1 : 0;
}
