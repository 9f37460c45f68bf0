import { isAscii, isUtf8 } from 'node:buffer';
import { padded } from '../schema/columns-format.ts';
import { readString, SHORT_STRING, ValueProblem } from '../schema/read-value.ts';
import {
  type BlockParts,
  type ColumnBlock,
  malformedColumns,
  NO_PROBLEMS,
  requireBytes,
  validIn,
} from './column-block.ts';

/** V8 makes a longer substring a view that keeps its whole parent alive; shorter ones are copies. */
const COPIED_LENGTH = 12;
const DICTIONARY_HEADER_BYTES = 8;

interface Texts {
  readonly offsets: Uint32Array;
  readonly bytes: Buffer;
  readonly ascii: boolean;
}

/** A text a row. */
export function textsBlock(parts: BlockParts): ColumnBlock {
  const { schema, rows, valid } = parts;
  const texts = openTexts(parts, 0, rows);
  const { type } = schema;
  return {
    textBytes: texts.bytes.length,
    decode: (from, to) => {
      const nulls = validIn(valid, from, to);
      const { values, problems } = decodeTexts(texts, from, to, nulls);
      return { column: { kind: 'string', type, values, valid: nulls }, problems };
    },
    jsonAt: (row) => (valid?.[row] === 0 ? 'null' : textJson(texts, row)),
  };
}

/** A number a row of an entry in a list of texts. */
export function dictionaryBlock(parts: BlockParts): ColumnBlock {
  const { schema, rows, valid, payload } = parts;
  const codesEnd = DICTIONARY_HEADER_BYTES + padded(rows * 4);
  if (payload.length < codesEnd) {
    throw malformedColumns(`the dictionary of '${schema.name}' is cut off`);
  }
  const [entries = 0, zero] = new Uint32Array(payload.buffer, payload.byteOffset, 2);
  if (zero !== 0) throw malformedColumns(`the dictionary of '${schema.name}' has no header`);
  const codes = new Uint32Array(payload.buffer, payload.byteOffset + DICTIONARY_HEADER_BYTES, rows);
  const texts = openTexts(parts, codesEnd, entries);
  let textBytes = 0;
  for (let i = 0; i < rows; i++) {
    if (valid !== null && valid[i] === 0) continue;
    const code = codes[i] as number;
    if (code >= entries) {
      throw malformedColumns(`'${schema.name}' has ${entries} entries, and row ${i} names ${code}`);
    }
    textBytes += (texts.offsets[code + 1] as number) - (texts.offsets[code] as number);
  }
  const decoded = decodeTexts(texts, 0, entries, null);
  const { type } = schema;
  return {
    textBytes,
    decode: (from, to) => {
      const nulls = validIn(valid, from, to);
      const values = new Array<string>(to - from);
      let problems: Map<number, ValueProblem> | null = null;
      for (let i = 0; i < values.length; i++) {
        if (nulls !== null && nulls[i] === 0) {
          values[i] = '';
          continue;
        }
        const code = codes[from + i] as number;
        values[i] = decoded.values[code] as string;
        const problem = decoded.problems.size === 0 ? undefined : decoded.problems.get(code);
        if (problem === undefined) continue;
        problems ??= new Map();
        problems.set(i, problem);
      }
      const column = { kind: 'string', type, values, valid: nulls } as const;
      return { column, problems: problems ?? NO_PROBLEMS };
    },
    jsonAt: (row) => (valid?.[row] === 0 ? 'null' : textJson(texts, codes[row] as number)),
  };
}

function openTexts(parts: BlockParts, start: number, count: number): Texts {
  const { schema, payload } = parts;
  const textStart = start + padded((count + 1) * 4);
  if (payload.length < textStart) {
    throw malformedColumns(`the offsets of '${schema.name}' are cut off`);
  }
  const offsets = new Uint32Array(payload.buffer, payload.byteOffset + start, count + 1);
  if (offsets[0] !== 0) throw malformedColumns(`the offsets of '${schema.name}' begin above 0`);
  for (let i = 0; i < count; i++) {
    if ((offsets[i] as number) <= (offsets[i + 1] as number)) continue;
    throw malformedColumns(`the offsets of '${schema.name}' fall at row ${i}`);
  }
  const length = offsets[count] as number;
  requireBytes(parts, textStart + padded(length));
  const bytes = Buffer.from(payload.buffer, payload.byteOffset + textStart, length);
  return { offsets, bytes, ascii: isAscii(bytes) };
}

function decodeTexts(
  { offsets, bytes, ascii }: Texts,
  from: number,
  to: number,
  valid: Uint8Array | null,
): { values: string[]; problems: ReadonlyMap<number, ValueProblem> } {
  const values = new Array<string>(to - from);
  let problems: Map<number, ValueProblem> | null = null;
  const first = offsets[from] as number;
  const whole = ascii ? bytes.toString('latin1', first, offsets[to] as number) : '';
  let start = first;
  for (let i = 0; i < values.length; i++) {
    const end = offsets[from + i + 1] as number;
    const length = end - start;
    let value: string | ValueProblem = '';
    if (valid !== null && valid[i] === 0) value = '';
    else if (!ascii) value = utf8(bytes.subarray(start, end));
    else if (length <= COPIED_LENGTH) value = whole.substring(start - first, end - first);
    else value = bytes.toString('latin1', start, end);
    if (typeof value === 'string' && length > SHORT_STRING) value = readString(value);
    if (typeof value === 'string') values[i] = value;
    else {
      problems ??= new Map();
      problems.set(i, value);
      values[i] = '';
    }
    start = end;
  }
  return { values, problems: problems ?? NO_PROBLEMS };
}

function utf8(bytes: Buffer): string | ValueProblem {
  return isUtf8(bytes)
    ? bytes.toString()
    : new ValueProblem('wrong_type', 'A text is no UTF-8.', 'Send UTF-8.');
}

/** The text quoted and escaped, byte by byte: its characters are the bytes. */
function textJson({ offsets, bytes }: Texts, at: number): string {
  return JSON.stringify(bytes.toString('latin1', offsets[at], offsets[at + 1]));
}
