import { present } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import { ColumnBuilder } from '../schema/column-builder.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { JsonRow, RowReports } from '../schema/row-reports.ts';
import type { Scalar, SourceSchema } from '../schema/types.ts';
import type { RowSlice } from './push-body.ts';

type SliceText = Omit<RowSlice, 'rows' | 'columns'>;

const NO_COLUMNS: JsonRow = Object.freeze({});

/** What is wrong with a row, and in which column. */
export interface RowProblem {
  readonly column: string | null;
  readonly problem: ValueProblem;
  /** Arrival less event time of a row that is refused for nothing else. */
  readonly lateMs?: number;
}

/**
 * Rows of one push, read into typed columns and checked against the schema alone: the part of
 * acceptance that needs no other event.
 */
export class RowChunk {
  readonly schema: SourceSchema;
  /** Index of the first row within its push. */
  readonly firstRow: number;
  readonly problems = new Map<number, RowProblem>();
  readonly #builders: readonly ColumnBuilder[];
  /** Without their rows, so that parsed objects die as soon as they are read. */
  readonly #slices: { readonly slice: SliceText; readonly start: number }[] = [];
  readonly #eventTime: ColumnBuilder;
  readonly #arrivalTime: ColumnBuilder | null;
  readonly #id: ColumnBuilder | null;
  count = 0;

  constructor(schema: SourceSchema, capacity: number, firstRow: number) {
    this.schema = schema;
    this.firstRow = firstRow;
    this.#builders = schema.columns.map((column) => {
      const timed = column.name === schema.eventTime || column.name === schema.arrivalTime;
      return new ColumnBuilder(timed ? { ...column, optional: false } : column, capacity);
    });
    this.#eventTime = this.#builder(schema.eventTime);
    this.#arrivalTime = schema.arrivalTime === null ? null : this.#builder(schema.arrivalTime);
    this.#id = schema.id === null ? null : this.#builder(schema.id);
  }

  #builder(name: string): ColumnBuilder {
    const found = this.#builders.find((builder) => builder.schema.name === name);
    return present(found, `column ${name} of ${this.schema.name}`);
  }

  add(slice: RowSlice): void {
    const start = this.count;
    const { rows: _, columns, ...rest } = slice;
    this.#slices.push({ slice: rest, start });
    const rows = this.#objects(slice, start);
    const reports: RowReports = {
      problems: new Map(),
      present: new Uint16Array(start + rows.length),
      numberText: (slot, column) => slice.numberText(slot - start, column),
    };
    if (columns === null) {
      for (const builder of this.#builders) builder.fill(rows, start, reports);
      this.#checkNames(rows, start, reports.present);
    } else {
      for (const [i, builder] of this.#builders.entries()) {
        builder.append(present(columns[i], 'a column'), slice.count, start, reports);
      }
    }
    for (const [slot, problem] of reports.problems) {
      if (!this.problems.has(slot)) this.problems.set(slot, problem);
    }
    this.#checkTimes(start, start + slice.count);
    this.count += slice.count;
  }

  #objects(slice: RowSlice, start: number): readonly JsonRow[] {
    const rows = slice.rows as readonly JsonRow[];
    let objects: JsonRow[] | null = null;
    for (let i = 0; i < rows.length; i++) {
      const row: unknown = rows[i];
      if (typeof row === 'object' && row !== null && !Array.isArray(row)) continue;
      const problem =
        slice.problems.get(i) ?? new ValueProblem('not_an_object', 'The row is no JSON object.');
      this.problems.set(start + i, { column: null, problem });
      objects ??= [...rows];
      objects[i] = NO_COLUMNS;
    }
    return objects ?? rows;
  }

  /** A row with more columns than were found in the schema has one that the source lacks. */
  #checkNames(rows: readonly JsonRow[], start: number, found: Uint16Array): void {
    for (let i = 0; i < rows.length; i++) {
      let names = 0;
      for (const _ in rows[i]) names += 1;
      if (names === found[start + i] || this.problems.has(start + i)) continue;
      this.#checkEachName(rows[i] ?? NO_COLUMNS, start + i);
    }
  }

  #checkEachName(row: JsonRow, slot: number): void {
    for (const [name, value] of Object.entries(row)) {
      if (value === undefined) continue;
      if (this.#builders.some((builder) => builder.schema.name === name)) continue;
      const message = `'${this.schema.name}' has no column '${name}'.`;
      const problem = new ValueProblem('unknown_column', message);
      this.problems.set(slot, { column: name, problem });
      return;
    }
  }

  #checkTimes(start: number, end: number): void {
    for (const builder of [this.#eventTime, this.#arrivalTime]) {
      if (builder === null) continue;
      const times = builder.store.values;
      for (let slot = start; slot < end; slot++) {
        if ((times[slot] as number) >= 0 || this.problems.has(slot)) continue;
        const { name } = builder.schema;
        const message = `'${name}' is negative: ${times[slot]}.`;
        const problem = new ValueProblem('invalid_time', message);
        this.problems.set(slot, { column: name, problem });
      }
    }
  }

  eventTimeAt(slot: number): number {
    return this.#eventTime.store.values[slot] as number;
  }

  /** The declared arrival time; null where the log stamps it. */
  arrivalTimeAt(slot: number): number | null {
    return this.#arrivalTime === null ? null : (this.#arrivalTime.store.values[slot] as number);
  }

  idAt(slot: number): Scalar {
    return this.#id === null ? null : this.#id.scalarAt(slot);
  }

  gather(slots: Int32Array): Column[] {
    return this.#builders.map((builder) => builder.gather(slots));
  }

  rawOf(slot: number): string | Uint8Array {
    const { slice, start } = this.#sliceOf(slot);
    return slice.rawOf(slot - start);
  }

  lineOf(slot: number): number | null {
    const { slice, start } = this.#sliceOf(slot);
    return slice.lineOf(slot - start);
  }

  #sliceOf(slot: number): { readonly slice: SliceText; readonly start: number } {
    const found = this.#slices.findLast(({ start }) => start <= slot);
    return present(found, `row ${slot} of the chunk`);
  }
}
