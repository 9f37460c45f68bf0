import { present } from '../base/assert.ts';
import type { Column } from '../schema/batch.ts';
import { ColumnBuilder } from '../schema/column-builder.ts';
import { facingSchema } from '../schema/evolution.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { JsonRow, RowReports } from '../schema/row-reports.ts';
import type { Scalar, SourceSchema } from '../schema/types.ts';
import { ChangeRows, type Operation } from './change-rows.ts';
import type { LineReader, LineText } from './line-reader.ts';
import { type ParsedRows, parseLines, type RowSlice } from './push-body.ts';
import type { CellValue } from './row-bytes.ts';
import { objectsOf, refuseUnknownNames } from './row-names.ts';
import type { RowProblem } from './row-problem.ts';
import { RowTranslator } from './row-translator.ts';
import type { ShieldedRows } from './shield.ts';

type SliceText = Pick<RowSlice, 'rawOf' | 'lineOf'>;

/**
 * Rows of one push, read into typed columns and checked against the schema alone: the part of
 * acceptance that needs no other event.
 */
export class RowChunk {
  /** The source as its producers see it: under present names, in the places of the source's own. */
  readonly schema: SourceSchema;
  /** Index of the first row within its push. */
  readonly firstRow: number;
  readonly problems = new Map<number, RowProblem>();
  readonly #concealed = new Set<number>();
  readonly #builders: readonly ColumnBuilder[];
  /** Without their rows, so that parsed objects die as soon as they are read. */
  readonly #slices: { readonly slice: SliceText; readonly start: number }[] = [];
  readonly #eventTime: ColumnBuilder;
  readonly #arrivalTime: ColumnBuilder | null;
  readonly #id: ColumnBuilder | null;
  readonly #changes: ChangeRows | null;
  /** By slot, where the source has changes; none of a row whose operation is wrong. */
  readonly #operations: (Operation | undefined)[] = [];
  count = 0;

  readonly #reader: LineReader | null;

  readonly #translator: RowTranslator | null;

  readonly #shield: ShieldedRows | null;

  /**
   * @param reader of lines, shared by the chunks of a source
   * @param pinned the schema version that all rows are of; null: each of any
   * @param shield of a source with tokenized columns
   */
  constructor(
    source: SourceSchema,
    capacity: number,
    firstRow: number,
    reader: LineReader | null = null,
    pinned: number | null = null,
    shield: ShieldedRows | null = null,
  ) {
    const schema = facingSchema(source);
    this.schema = schema;
    this.#translator = RowTranslator.of(source, pinned);
    this.#shield = shield;
    this.#reader = pinned === null ? reader : null;
    this.firstRow = firstRow;
    const changes = schema.changes ?? null;
    this.#changes = changes === null ? null : new ChangeRows(schema, changes);
    this.#builders = schema.columns.map((column) => {
      const { name } = column;
      const timed = name === schema.eventTime || name === schema.arrivalTime;
      const required = timed || this.#changes?.needed.has(name) === true;
      return new ColumnBuilder(required ? { ...column, optional: false } : column, capacity);
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
    const { count, lines, rawOf, lineOf } = slice;
    this.#slices.push({ slice: { rawOf, lineOf }, start });
    const reports: RowReports = {
      problems: new Map(),
      present: new Uint16Array(start + count),
      numberText: (slot, column) => {
        const textOf = (name: string) => slice.numberText(slot - start, name);
        return this.#translator === null
          ? textOf(column)
          : this.#translator.numberText(column, textOf);
      },
    };
    if (lines === undefined) this.#addRows(slice, slice, start, reports);
    else this.#addLines(slice, lines, start, reports);
    for (const [slot, found] of reports.problems) {
      if (!this.problems.has(slot)) this.problems.set(slot, this.#advised(found));
    }
    this.#checkTimes(start, start + count);
    // Before ids, verdicts or letters are made of the rows.
    const range = { start, end: start + count };
    this.#shield?.shield.protect(this.#builders, range, this.#shield.given, this.problems);
    this.count += count;
  }

  /** What no row can be without cannot be made optional either. */
  #advised({ column, problem }: { readonly column: string; readonly problem: ValueProblem }) {
    if (problem.code !== 'missing_column') return { column, problem };
    const isTime = column === this.schema.eventTime || column === this.schema.arrivalTime;
    const timed = isTime ? `Send '${column}': no row can be placed without it.` : null;
    const remedy = timed ?? this.#changes?.missingRemedy(column) ?? problem.remedy;
    return { column, problem: new ValueProblem(problem.code, problem.message, remedy) };
  }

  /** Lines that the reader leaves to others are parsed as they come, run by run. */
  #addLines(slice: RowSlice, lines: LineText, start: number, reports: RowReports): void {
    for (const builder of this.#builders) builder.reserve(start + lines.count);
    const left = this.#reader?.read(lines, this.#builders, start) ?? null;
    for (let from = 0; from < lines.count; ) {
      const isLeft = left === null || left[from] === 1;
      let to = left === null ? lines.count : from + 1;
      while (to < lines.count && (left?.[to] === 1) === isLeft) to += 1;
      const first = from;
      if (isLeft) {
        const parsed = parseLines(to - first, (i) => slice.rawOf(first + i));
        this.#addRows(parsed, { count: to - first, columns: null }, start + first, reports);
      } else {
        for (const builder of this.#builders) {
          builder.checkRange(start + first, start + to, reports);
        }
      }
      from = to;
    }
  }

  #addRows(
    parsed: ParsedRows,
    { count, columns }: Pick<RowSlice, 'count' | 'columns'>,
    start: number,
    reports: RowReports,
  ): void {
    let rows = objectsOf(parsed, start, this.problems);
    if (columns === null && this.#translator !== null) {
      const textOf = (slot: number, name: string) => reports.numberText(slot, name);
      rows = this.#translator.translate(rows, start, this.problems, textOf);
    }
    const fill = (name: string, builder: ColumnBuilder, to: RowReports): void => {
      if (columns === null) builder.fill(rows, start, to);
      else builder.append(present(columns[this.#indexOf(name)], name), count, start, to);
    };
    if (this.#changes === null) {
      for (const builder of this.#builders) fill(builder.schema.name, builder, reports);
    } else {
      const { changes, needed } = this.#changes;
      if (columns === null) rows = this.#changes.open(rows, start, this.problems);
      // What a row does decides what it must hold.
      fill(changes.column, this.#builder(changes.column), reports);
      const waived = this.#readOperations(this.#changes, start, count, reports);
      if (columns === null) rows = this.#stripDeletes(this.#changes, rows, start);
      for (const builder of this.#builders) {
        const { name } = builder.schema;
        if (name === changes.column) continue;
        fill(name, builder, needed.has(name) ? reports : { ...reports, waived });
      }
    }
    if (columns !== null) return;
    const places = { start, found: reports.present };
    refuseUnknownNames(this.schema, rows, places, this.problems);
  }

  #indexOf(name: string): number {
    return this.schema.columns.findIndex((column) => column.name === name);
  }

  /** Marks the deletes, by slot. */
  #readOperations(
    changes: ChangeRows,
    start: number,
    count: number,
    { problems }: RowReports,
  ): Uint8Array {
    const column = changes.changes.column;
    const builder = this.#builder(column);
    const deletes = new Uint8Array(start + count);
    for (let slot = start; slot < start + count; slot++) {
      if (problems.has(slot) || this.problems.has(slot)) continue;
      const operation = changes.operationOf(builder.scalarAt(slot));
      if (typeof operation !== 'string') {
        problems.set(slot, { column, problem: operation });
        continue;
      }
      this.#operations[slot] = operation;
      if (operation === 'delete') deletes[slot] = 1;
    }
    return deletes;
  }

  #stripDeletes(changes: ChangeRows, rows: readonly JsonRow[], start: number): readonly JsonRow[] {
    const isDelete = (i: number): boolean => this.#operations[start + i] === 'delete';
    if (!rows.some((_, i) => isDelete(i))) return rows;
    const { arrivalTime } = this.schema;
    return rows.map((row, i) => (isDelete(i) ? changes.stripped(row, arrivalTime) : row));
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

  /** The declared arrival time; null where the log stamps it, as it does for a delete without one. */
  arrivalTimeAt(slot: number): number | null {
    if (this.#arrivalTime === null) return null;
    const { values, valid } = this.#arrivalTime.store;
    return valid?.[slot] === 0 ? null : (values[slot] as number);
  }

  /** What a row of a change stream does; asked only of rows without a problem. */
  operationAt(slot: number): Operation {
    return present(this.#operations[slot], `the operation of row ${slot}`);
  }

  /** Null where the source's changes have no sequence. */
  sequenceAt(slot: number): bigint | null {
    const name = this.#changes?.changes.sequence ?? null;
    const value = name === null ? null : this.#builder(name).scalarAt(slot);
    return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : null;
  }

  /** One value, exact. */
  cellAt(index: number, slot: number): CellValue {
    const builder = present(this.#builders[index], `column ${index}`);
    const { values, valid } = builder.store;
    if (!(values instanceof Float32Array)) return builder.scalarAt(slot);
    if (valid?.[slot] === 0) return null;
    const { type } = builder.schema;
    const size = type.kind === 'vector' ? type.size : 0;
    return values.subarray(slot * size, (slot + 1) * size);
  }

  idAt(slot: number): Scalar {
    return this.#id === null ? null : this.#id.scalarAt(slot);
  }

  gather(slots: Int32Array): Column[] {
    return this.#builders.map((builder) => builder.gather(slots));
  }

  /** The row as it was sent, or encrypted where that holds raw ids: for the dead letters. */
  /** Refuses a row of which nothing may be kept. */
  conceal(slot: number, problem: RowProblem): void {
    this.problems.set(slot, problem);
    this.#concealed.add(slot);
  }

  rawOf(slot: number): string | Uint8Array {
    if (this.#concealed.has(slot)) return '';
    const { slice, start } = this.#sliceOf(slot);
    const raw = slice.rawOf(slot - start);
    return this.#shield === null ? raw : this.#shield.shield.seal(raw, this.#shield.given);
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
