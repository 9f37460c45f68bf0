import { type ColumnBuilder, isPlainName } from '../schema/column-builder.ts';
import { facingSchema, formerNames } from '../schema/evolution.ts';
import { EXACT_DECIMAL, SHORT_STRING } from '../schema/read-value.ts';
import type { SourceSchema } from '../schema/types.ts';

/** Slices with more text than this are left to `JSON.parse`. */
const MOST_TEXT = 4 * 1024 * 1024;
/** Slices that are not tried after one of at least so many lines of which most were of no use. */
const PAUSE = 15;
const TELLING = 16;
/** V8 makes a longer substring a view that keeps its whole parent alive; shorter ones are copies. */
const COPIED_LENGTH = 12;
/** A number with so many digits is exact as a whole number. */
const EXACT_DIGITS = 15;
const POWERS = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => Number(`1e${i}`));

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const LINE_END = 0x0d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const NULL = asciiOf('null');
const TRUE = asciiOf('true');
const FALSE = asciiOf('false');

/** No column has this number. */
const NONE = -1;

/** Where lines stand in a text, in order; the places behind the first `count` mean nothing. */
export interface LineText {
  readonly text: string;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
}

/**
 * Reads JSON lines straight into columns, without an object in between, where that gives what
 * `JSON.parse` and the builders would: flat objects in ASCII of known columns, each once, with
 * values of their own JSON type. Every other line is left to them, so nothing is refused here.
 */
export class LineReader {
  /** Present names in the order of the columns, then former ones. */
  readonly #names: readonly Uint8Array[];
  /** By name, its column. */
  readonly #columns: Int32Array;
  readonly #kinds: readonly string[];
  /** By name, the one that came after it in the last line; the first one's is at the end. */
  readonly #next: Int32Array;
  /** By column, the line that had it last; lines are counted over all slices. */
  readonly #seen: Float64Array;
  #line = 0;
  #pause = 0;
  #memory = Buffer.alloc(0);
  #builders: readonly ColumnBuilder[] = [];
  /** Where the value that is being read begins, and then where it ends. */
  #at = 0;

  /** Null for a source whose lines are not for it. */
  static of(schema: SourceSchema): LineReader | null {
    const { columns } = facingSchema(schema);
    const { changes } = schema;
    const former = [...(formerNames(schema)?.keys() ?? [])];
    const fits =
      columns.every(({ name, type }) => isPlainName(name) && type.kind !== 'vector') &&
      former.every(isPlainName);
    return fits && (changes ?? null) === null ? new LineReader(schema) : null;
  }

  private constructor(schema: SourceSchema) {
    const { columns } = facingSchema(schema);
    const former = [...(formerNames(schema) ?? [])];
    const names = [...columns.map(({ name }) => name), ...former.map(([name]) => name)];
    this.#names = names.map((name) => asciiOf(`${JSON.stringify(name)}:`));
    this.#columns = Int32Array.from([...columns.keys(), ...former.map(([, index]) => index)]);
    this.#kinds = columns.map(({ type }) => type.kind);
    this.#next = new Int32Array(names.length + 1).fill(NONE);
    this.#seen = new Float64Array(columns.length);
  }

  /**
   * Reads the lines into the slots from `start` on, for which the builders have room.
   * @returns by line, 1 where it was left to others; null if all of them were
   */
  read(lines: LineText, builders: readonly ColumnBuilder[], start: number): Uint8Array | null {
    if (this.#pause > 0) {
      this.#pause -= 1;
      return null;
    }
    const { starts, ends, count } = lines;
    const from = starts[0] as number;
    const text = lines.text.slice(from, ends[count - 1]);
    if (!this.#load(text)) return null;
    this.#builders = builders;
    const left = new Uint8Array(count);
    let lost = 0;
    for (let i = 0; i < count; i++) {
      const slot = start + i;
      this.#line += 1;
      const end = (ends[i] as number) - from;
      if (this.#readLine(text, (starts[i] as number) - from, end, slot)) continue;
      left[i] = 1;
      lost += 1;
      for (const builder of builders) builder.vacate(slot);
    }
    this.#builders = [];
    if (count >= TELLING && lost * 2 > count) this.#pause = PAUSE;
    return left;
  }

  /** Whether the text is one of ASCII, whose bytes stand where its characters do. */
  #load(text: string): boolean {
    if (text.length > MOST_TEXT) return false;
    // Room for three bytes a character, as nothing beyond ASCII may be cut off unseen.
    const size = text.length * 3 + 1;
    if (this.#memory.length < size) this.#memory = Buffer.alloc(size);
    // What earlier slices left behind ends here.
    this.#memory[text.length] = 0;
    return this.#memory.write(text) === text.length;
  }

  #readLine(text: string, start: number, end: number, slot: number): boolean {
    const bytes = this.#memory;
    const next = this.#next;
    const seen = this.#seen;
    const line = this.#line;
    if (bytes[start] !== OPEN) return false;
    let at = start + 1;
    let before = next.length - 1;
    let found = 0;
    for (;;) {
      let name = next[before] as number;
      if (name === NONE || !matches(bytes, at, this.#names[name] as Uint8Array)) {
        name = this.#nameAt(at);
        if (name === NONE) return false;
        next[before] = name;
      }
      const column = this.#columns[name] as number;
      // Of a name that comes twice the last value counts, which is not for here.
      if (seen[column] === line) return false;
      seen[column] = line;
      found += 1;
      before = name;
      at += (this.#names[name] as Uint8Array).length;
      if (bytes[at] === SPACE) at += 1;
      this.#at = at;
      if (!this.#readValue(text, column, slot)) return false;
      at = this.#at;
      const mark = bytes[at];
      if (mark === COMMA) at += bytes[at + 1] === SPACE ? 2 : 1;
      else if (mark === CLOSE) break;
      else return false;
    }
    if (at + 1 !== end && !(at + 2 === end && bytes[at + 1] === LINE_END)) return false;
    return found === seen.length || this.#fillAbsent(slot);
  }

  /** The name that stands here. */
  #nameAt(at: number): number {
    const bytes = this.#memory;
    return this.#names.findIndex((name) => matches(bytes, at, name));
  }

  #fillAbsent(slot: number): boolean {
    for (let column = 0; column < this.#seen.length; column++) {
      if (this.#seen[column] === this.#line) continue;
      if (!this.#placeNull(column, slot)) return false;
    }
    return true;
  }

  #placeNull(column: number, slot: number): boolean {
    return (this.#builders[column] as ColumnBuilder).placeAbsent(slot);
  }

  #readValue(text: string, column: number, slot: number): boolean {
    const at = this.#at;
    const first = this.#memory[at] as number;
    if (first === NULL[0]) {
      this.#at = at + NULL.length;
      return matches(this.#memory, at, NULL) && this.#placeNull(column, slot);
    }
    const builder = this.#builders[column] as ColumnBuilder;
    const { values } = builder.store;
    const kind = this.#kinds[column];
    if (first === QUOTE) {
      const value = this.#readText(text);
      if (value === null) return false;
      if (kind !== 'string') return builder.placeText(value, slot);
      (values as string[])[slot] = value;
      return true;
    }
    if (kind === 'string') return false;
    if (kind === 'bool') {
      const isTrue = matches(this.#memory, at, TRUE);
      if (!isTrue && !matches(this.#memory, at, FALSE)) return false;
      this.#at = at + (isTrue ? TRUE.length : FALSE.length);
      (values as Uint8Array)[slot] = isTrue ? 1 : 0;
      return true;
    }
    const value = this.#readNumber();
    return !Number.isNaN(value) && builder.placeNumber(value, slot);
  }

  /** A short string without escapes; null for all others. */
  #readText(text: string): string | null {
    const bytes = this.#memory;
    const start = this.#at + 1;
    let at = start;
    for (;;) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      if (byte < SPACE || byte === BACKSLASH) return null;
      at += 1;
    }
    this.#at = at + 1;
    const length = at - start;
    if (length <= COPIED_LENGTH) return text.slice(start, at);
    return length > SHORT_STRING ? null : bytes.toString('latin1', start, at);
  }

  /**
   * A number of up to fifteen digits without an exponent: then its digits and the power of ten
   * are both exact, and their quotient is rounded once, as that of any parser. NaN for all others.
   */
  #readNumber(): number {
    const bytes = this.#memory;
    const isNegative = bytes[this.#at] === MINUS;
    const start = isNegative ? this.#at + 1 : this.#at;
    let at = start;
    let units = 0;
    for (;;) {
      const digit = (bytes[at] as number) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      units = units * 10 + digit;
      at += 1;
    }
    let digits = at - start;
    if (digits === 0 || (digits > 1 && bytes[start] === ZERO)) return Number.NaN;
    let places = 0;
    if (bytes[at] === POINT) {
      at += 1;
      const point = at;
      for (;;) {
        const digit = (bytes[at] as number) - ZERO;
        if (!(digit >= 0 && digit <= 9)) break;
        units = units * 10 + digit;
        at += 1;
      }
      places = at - point;
      if (places === 0) return Number.NaN;
      digits += places;
    }
    if (digits > EXACT_DIGITS || units >= EXACT_DECIMAL) return Number.NaN;
    this.#at = at;
    const value = places === 0 ? units : units / (POWERS[places] as number);
    return isNegative ? 0 - value : value;
  }
}

function matches(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

function asciiOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
