import { isUtf8 } from 'node:buffer';
import { AsofError } from '../base/errors.ts';
import { ValueProblem } from '../schema/read-value.ts';

/** What a producer may send: rows as objects, or text that is NDJSON, a JSON array or one object. */
export type PushBody = Iterable<unknown> | Uint8Array | string;

/** Some rows of a body, in order, parsed where they could be. */
export interface RowSlice {
  readonly rows: readonly unknown[];
  /** By index into `rows`; such a row holds `undefined`. */
  readonly problems: ReadonlyMap<number, ValueProblem>;
  /** The line of the text a row stood on, from 1; null if there are no lines. */
  lineOf(index: number): number | null;
  /** The row as it was sent, for the dead-letter log. */
  rawOf(index: number): string | Uint8Array;
  /** The digits of a number as they were sent; null if the row never was text. */
  numberText(index: number, column: string): string | null;
}

/** Cuts a body into slices of at most `size` rows; what is not yet asked for is not yet parsed. */
export function* readBody(body: PushBody, size: number): Generator<RowSlice> {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    yield* parsedSlices(body, size);
    return;
  }
  if (body instanceof Uint8Array && !isUtf8(body)) {
    yield* lineSlices(byteLines(body), size);
    return;
  }
  const text = typeof body === 'string' ? body : utf8(body);
  const start = /[^\s\uFEFF]/.exec(text)?.index;
  if (start === undefined) return;
  const whole = text[start] === '[' ? parseArray(text.slice(start)) : parseSpread(text, start);
  if (whole !== null) yield* parsedSlices(whole.rows, size, whole.text);
  else yield* lineSlices(textLines(text, text.startsWith('\uFEFF') ? 1 : 0), size);
}

/** Rows that are texts by themselves, one each. */
export function readRows(rows: readonly string[], size: number): Generator<RowSlice> {
  return lineSlices(rows.map((raw, index) => ({ raw, number: index + 1 })).values(), size);
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

interface WholeText {
  readonly rows: readonly unknown[];
  readonly text: string;
}

/** Null if the array is only the first of several lines. */
function parseArray(text: string): WholeText | null {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (cause) {
    const end = text.indexOf('\n');
    if (end > 0 && !(parseLine(text.slice(0, end)) instanceof ValueProblem)) return null;
    throw new AsofError('malformed_json', `The body is no JSON array: ${messageOf(cause)}`, {
      remedy: 'Send a JSON array, or one JSON object a line.',
      cause,
    });
  }
  return { rows: Array.isArray(rows) ? rows : [rows], text };
}

/** One object over several lines; null if the first line is an object, or no line is. */
function parseSpread(text: string, start: number): WholeText | null {
  const end = text.indexOf('\n', start);
  if (end < 0) return null;
  const first = text.slice(start, end);
  if (!(parseLine(first) instanceof ValueProblem)) return null;
  try {
    return { rows: [JSON.parse(text.slice(start))], text: text.slice(start) };
  } catch {
    return null;
  }
}

function* parsedSlices(
  rows: Iterable<unknown>,
  size: number,
  text: string | null = null,
): Generator<RowSlice> {
  let slice: unknown[] = [];
  let first = 0;
  const exact = text === null ? null : new ExactNumbers(text);
  const finish = (): RowSlice => {
    const current = slice;
    const start = first;
    first += current.length;
    slice = [];
    return {
      rows: current,
      problems: new Map(),
      lineOf: () => null,
      rawOf: (index) => textOf(current[index]),
      numberText: (index, column) => exact?.textOf(start + index, column) ?? null,
    };
  };
  for (const row of rows) {
    slice.push(row);
    if (slice.length === size) yield finish();
  }
  if (slice.length > 0) yield finish();
}

/** Parses the text once more, when first asked, with every number left as it was written. */
class ExactNumbers {
  readonly #text: string;
  #rows: unknown[] | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  textOf(row: number, column: string): string | null {
    if (this.#rows === null) {
      const parsed: unknown = JSON.parse(this.#text, keepNumberText);
      this.#rows = Array.isArray(parsed) ? parsed : [parsed];
    }
    return fieldText(this.#rows[row], column);
  }
}

function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? value) : value;
}

function fieldText(row: unknown, column: string): string | null {
  if (typeof row !== 'object' || row === null) return null;
  const value: unknown = Object.entries(row).find(([name]) => name === column)?.[1];
  return typeof value === 'string' ? value : null;
}

interface Line {
  readonly raw: string | Uint8Array;
  readonly number: number;
}

function* lineSlices(lines: Iterator<Line>, size: number): Generator<RowSlice> {
  for (;;) {
    const taken: Line[] = [];
    while (taken.length < size) {
      const next = lines.next();
      if (next.done === true) break;
      taken.push(next.value);
    }
    if (taken.length === 0) return;
    yield parseLines(taken);
  }
}

function parseLines(lines: readonly Line[]): RowSlice {
  const rows = new Array<unknown>(lines.length);
  const problems = new Map<number, ValueProblem>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as Line;
    const parsed = parseLine(line.raw);
    if (parsed instanceof ValueProblem) problems.set(i, parsed);
    else rows[i] = parsed;
  }
  const rawOf = (index: number): string | Uint8Array => lines[index]?.raw ?? '';
  return {
    rows,
    problems,
    lineOf: (index) => lines[index]?.number ?? null,
    rawOf,
    numberText: (index, column) => {
      const raw = rawOf(index);
      return typeof raw === 'string' ? fieldText(JSON.parse(raw, keepNumberText), column) : null;
    },
  };
}

function parseLine(raw: string | Uint8Array): unknown {
  if (typeof raw !== 'string') return new ValueProblem('malformed_json', 'The line is no UTF-8.');
  try {
    return JSON.parse(raw);
  } catch (error) {
    return new ValueProblem('malformed_json', messageOf(error));
  }
}

function* textLines(text: string, from: number): Generator<Line> {
  let start = from;
  for (let number = 1; start < text.length; number++) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const raw = text.slice(start, end);
    start = end + 1;
    if (raw.length > 2 || raw.trim() !== '') yield { raw, number };
  }
}

/** Lines of a text that is not UTF-8 throughout: those that are, are read all the same. */
function* byteLines(bytes: Uint8Array): Generator<Line> {
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    let end = bytes.indexOf(0x0a, start);
    if (end < 0) end = bytes.length;
    const line = bytes.subarray(start, end);
    start = end + 1;
    if (!isUtf8(line)) yield { raw: line, number };
    else {
      const raw = new TextDecoder().decode(line);
      if (raw.trim() !== '') yield { raw, number };
    }
  }
}

function textOf(row: unknown): string {
  try {
    return JSON.stringify(row, bigintAsText) ?? String(row);
  } catch {
    return String(row);
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
