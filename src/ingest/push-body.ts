import { isUtf8 } from 'node:buffer';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { ValueProblem } from '../schema/read-value.ts';
import type { TypedColumn } from '../schema/typed-column.ts';
import { type ElementPlaces, elementPlaces } from './json-places.ts';
import { Malformed, parseWhole, reasonOf } from './json-whole.ts';
import type { LineText } from './line-reader.ts';
import { numberIn, textOf } from './row-text.ts';

/** Rows as objects, or text that is NDJSON, a JSON array or one object. */
export type RowsBody = Iterable<unknown> | Uint8Array | string | JsonBody;

/** What a producer may send. */
export type PushBody = RowsBody | ColumnsBody;

/** Bytes that their sender calls one JSON value: never read as lines. */
export class JsonBody {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Bytes that their sender calls columns (docs/columnar-events.md). */
export class ColumnsBody {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Rows of JSON, parsed where they could be. */
export interface ParsedRows {
  readonly rows: readonly unknown[];
  /** By index into `rows`; such a row holds `undefined`. */
  readonly problems: ReadonlyMap<number, ValueProblem>;
}

/** Some rows of a body, in order. */
export interface RowSlice extends ParsedRows {
  readonly count: number;
  /** As many as `count`; none where the rows came as columns, or are lines. */
  readonly rows: readonly unknown[];
  /** Of rows that are lines not yet parsed. */
  readonly lines?: LineText;
  /** In the order of the schema; null where the rows came one by one. */
  readonly columns: readonly TypedColumn[] | null;
  /** The line of the text a row stood on, from 1; null if there are no lines. */
  lineOf(index: number): number | null;
  /** The row as it was sent, for the dead-letter log. */
  rawOf(index: number): string | Uint8Array;
  /** The digits of a number as they were sent; null if the row never was text. */
  numberText(index: number, column: string): string | null;
}

/**
 * Cuts a body into slices of at most `size` rows; lines not yet asked for are not yet parsed.
 * @throws AsofError `too_many_rows` for an array that is too long: nothing of it is taken then
 */
export function* readBody(body: RowsBody, size: number): Generator<RowSlice> {
  if (body instanceof JsonBody) {
    yield* jsonSlices(body.bytes, size);
    return;
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    yield* parsedSlices(body, size);
    return;
  }
  if (body instanceof Uint8Array && !isUtf8(body)) {
    yield* byteSlices(body, size);
    return;
  }
  const text = typeof body === 'string' ? body : utf8(body);
  const start = /[^\s\uFEFF]/.exec(text)?.index;
  if (start === undefined) return;
  const whole = text[start] === '[' ? parseArray(text, start) : parseSpread(text, start);
  if (whole === null) yield* textSlices(text, text.startsWith('\uFEFF') ? 1 : 0, size);
  else if (whole instanceof Malformed) yield malformedSlice(text, whole.problem);
  else yield* wholeSlices(whole, text.slice(start), size);
}

function* jsonSlices(bytes: Uint8Array, size: number): Generator<RowSlice> {
  if (!isUtf8(bytes)) {
    yield malformedSlice(bytes, new ValueProblem('malformed_json', 'The body is no UTF-8.'));
    return;
  }
  const text = utf8(bytes);
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const value = parseWhole(json);
  if (value instanceof Malformed) yield malformedSlice(text, value.problem);
  else yield* wholeSlices(value, json, size);
}

/** Rows that are texts by themselves, one each. */
export function* readRows(rows: readonly string[], size: number): Generator<RowSlice> {
  for (let start = 0; start < rows.length; start += size) {
    const texts = rows.slice(start, start + size);
    yield linesSlice(
      texts.length,
      (i) => texts[i] ?? '',
      (i) => start + i + 1,
    );
  }
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

/** Null if the array is only the first of several lines. */
function parseArray(text: string, start: number): unknown {
  const json = text.slice(start);
  const rows = parseWhole(json);
  if (!(rows instanceof Malformed)) return rows;
  const end = json.indexOf('\n');
  if (end > 0 && !(parseLine(json.slice(0, end)) instanceof ValueProblem)) return null;
  return rows;
}

/** One object over several lines; null if the first line is an object, or no line is. */
function parseSpread(text: string, start: number): unknown {
  const end = text.indexOf('\n', start);
  if (end < 0) return null;
  const first = text.slice(start, end);
  if (!(parseLine(first) instanceof ValueProblem)) return null;
  try {
    return JSON.parse(text.slice(start));
  } catch {
    return null;
  }
}

/** A body that is one row to refuse: no part of it can be told from another. */
function malformedSlice(raw: string | Uint8Array, problem: ValueProblem): RowSlice {
  return {
    count: 1,
    rows: [undefined],
    columns: null,
    problems: new Map([[0, problem]]),
    lineOf: () => null,
    rawOf: () => raw,
    numberText: () => null,
  };
}

/** Rows of one JSON value; their own texts are looked for when the first is asked for. */
function* wholeSlices(value: unknown, text: string, size: number): Generator<RowSlice> {
  const rows: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (rows.length > LIMITS.rowsPerPush) {
    const message = `The push has ${rows.length} rows; the limit is ${LIMITS.rowsPerPush}.`;
    throw new AsofError('too_many_rows', message, { path: 'body' });
  }
  let places: ElementPlaces | null = Array.isArray(value)
    ? null
    : { starts: [0], ends: [text.length] };
  const rawOf = (row: number): string => {
    places ??= elementPlaces(text);
    return text.slice(places.starts[row], places.ends[row]).trim();
  };
  yield* parsedSlices(rows, size, rawOf);
}

function* parsedSlices(
  rows: Iterable<unknown>,
  size: number,
  textAt: ((row: number) => string) | null = null,
): Generator<RowSlice> {
  let slice: unknown[] = [];
  let first = 0;
  const finish = (): RowSlice => {
    const current = slice;
    const start = first;
    first += current.length;
    slice = [];
    return {
      count: current.length,
      rows: current,
      columns: null,
      problems: new Map(),
      lineOf: () => null,
      rawOf: (index) => textAt?.(start + index) ?? textOf(current[index]),
      numberText: (index, column) =>
        textAt === null ? null : numberIn(textAt(start + index), column),
    };
  };
  for (const row of rows) {
    slice.push(row);
    if (slice.length === size) yield finish();
  }
  if (slice.length > 0) yield finish();
}

/** Lines are kept as their places in the text: few objects, and none that live long. */
export function* textSlices(text: string, from: number, size: number): Generator<RowSlice> {
  let start = from;
  let number = 0;
  while (start < text.length) {
    const starts = new Int32Array(size);
    const ends = new Int32Array(size);
    const numbers = new Int32Array(size);
    let count = 0;
    while (count < size && start < text.length) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      number += 1;
      if (end - start > 2 || text.slice(start, end).trim() !== '') {
        starts[count] = start;
        ends[count] = end;
        numbers[count] = number;
        count += 1;
      }
      start = end + 1;
    }
    if (count === 0) continue;
    const rawOf = (i: number): string => text.slice(starts[i], ends[i]);
    yield {
      count,
      rows: [],
      problems: new Map(),
      columns: null,
      lines: { text, starts, ends, count },
      lineOf: (i) => numbers[i] ?? null,
      rawOf,
      numberText: (i, column) => numberIn(rawOf(i), column),
    };
  }
}

/** Lines of a text that is not UTF-8 throughout: those that are, are read all the same. */
function* byteSlices(bytes: Uint8Array, size: number): Generator<RowSlice> {
  let lines: { readonly raw: string | Uint8Array; readonly number: number }[] = [];
  const slice = (): RowSlice => {
    const taken = lines;
    lines = [];
    return linesSlice(
      taken.length,
      (i) => taken[i]?.raw ?? '',
      (i) => taken[i]?.number ?? null,
    );
  };
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    let end = bytes.indexOf(0x0a, start);
    if (end < 0) end = bytes.length;
    const line = bytes.slice(start, end);
    start = end + 1;
    const raw = isUtf8(line) ? utf8(line) : line;
    if (typeof raw !== 'string' || raw.trim() !== '') lines.push({ raw, number });
    if (lines.length === size) yield slice();
  }
  if (lines.length > 0) yield slice();
}

function linesSlice(
  count: number,
  rawOf: (index: number) => string | Uint8Array,
  lineOf: (index: number) => number | null,
): RowSlice {
  return {
    count,
    ...parseLines(count, rawOf),
    columns: null,
    lineOf,
    rawOf,
    numberText: (index, column) => {
      const raw = rawOf(index);
      return typeof raw === 'string' ? numberIn(raw, column) : null;
    },
  };
}

/** The rows of so many texts. */
export function parseLines(
  count: number,
  rawOf: (index: number) => string | Uint8Array,
): ParsedRows {
  const rows = new Array<unknown>(count);
  const problems = new Map<number, ValueProblem>();
  for (let i = 0; i < count; i++) {
    const parsed = parseLine(rawOf(i));
    if (parsed instanceof ValueProblem) problems.set(i, parsed);
    else rows[i] = parsed;
  }
  return { rows, problems };
}

/** The row of a text, or why it is none. */
export function parseLine(raw: string | Uint8Array): unknown {
  if (typeof raw !== 'string') return new ValueProblem('malformed_json', 'The line is no UTF-8.');
  try {
    return JSON.parse(raw);
  } catch (error) {
    return new ValueProblem('malformed_json', reasonOf(error));
  }
}
