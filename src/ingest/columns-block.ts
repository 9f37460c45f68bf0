import { bitmapBytes, ENCODING, padded } from '../schema/columns-format.ts';
import { ValueProblem } from '../schema/read-value.ts';
import { type ColumnSchema, typeText } from '../schema/types.ts';
import {
  type BlockParts,
  type ColumnBlock,
  malformedColumns,
  NO_PROBLEMS,
  requireBytes,
  validIn,
} from './column-block.ts';
import { doublesBlock, integersBlock } from './number-block.ts';
import { dictionaryBlock, textsBlock } from './text-block.ts';

/** @throws AsofError `malformed_columns` */
export function openBlock(
  schema: ColumnSchema,
  rows: number,
  encoding: number,
  nulls: boolean,
  bytes: Uint8Array,
): ColumnBlock {
  const map = nulls ? bitmapBytes(rows) : 0;
  if (bytes.length < map) throw malformedColumns(`the null map of '${schema.name}' is cut off`);
  const valid = nulls ? unpackBits(bytes, rows) : null;
  const parts: BlockParts = { schema, rows, valid, payload: bytes.subarray(map) };
  const { kind } = schema.type;
  const whole = kind === 'int64' || kind === 'decimal' || kind === 'timestamp';
  if (encoding === ENCODING.doubles && (whole || kind === 'float64')) return doublesBlock(parts);
  if (encoding === ENCODING.integers && whole) return integersBlock(parts);
  if (encoding === ENCODING.bits && kind === 'bool') return bitsBlock(parts);
  if (encoding === ENCODING.texts && kind === 'string') return textsBlock(parts);
  if (encoding === ENCODING.dictionary && kind === 'string') return dictionaryBlock(parts);
  if (encoding === ENCODING.singles && schema.type.kind === 'vector') {
    return singlesBlock(parts, schema.type.size);
  }
  throw malformedColumns(
    `'${schema.name}' is ${typeText(schema.type)}, which encoding ${encoding} does not hold`,
  );
}

function unpackBits(packed: Uint8Array, rows: number): Uint8Array {
  const flags = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) flags[i] = ((packed[i >> 3] as number) >> (i & 7)) & 1;
  return flags;
}

function bitsBlock(parts: BlockParts): ColumnBlock {
  const { schema, rows, valid, payload } = parts;
  requireBytes(parts, bitmapBytes(rows));
  const flags = unpackBits(payload, rows);
  if (valid !== null) for (let i = 0; i < rows; i++) if (valid[i] === 0) flags[i] = 0;
  return {
    textBytes: 0,
    decode: (from, to) => ({
      column: {
        kind: 'bool',
        type: schema.type,
        values: flags.subarray(from, to),
        valid: validIn(valid, from, to),
      },
      problems: NO_PROBLEMS,
    }),
    jsonAt: (row) => (valid?.[row] === 0 ? 'null' : String(flags[row] === 1)),
  };
}

function singlesBlock(parts: BlockParts, size: number): ColumnBlock {
  const { schema, rows, valid, payload } = parts;
  requireBytes(parts, padded(rows * size * 4));
  const all = new Float32Array(payload.buffer, payload.byteOffset, rows * size);
  return {
    textBytes: 0,
    decode: (from, to) => {
      const values = new Float32Array((to - from) * size);
      const problems = new Map<number, ValueProblem>();
      for (let row = from; row < to; row++) {
        if (valid?.[row] === 0) continue;
        const start = (row - from) * size;
        for (let i = 0; i < size; i++) {
          const item = all[row * size + i] as number;
          // Adding zero turns -0 into 0 (semantics §1).
          values[start + i] = item + 0;
          if (!Number.isFinite(item) && !problems.has(row - from)) {
            const message = `An element is ${item}; a ${typeText(schema.type)} has finite ones.`;
            problems.set(row - from, new ValueProblem('wrong_type', message));
          }
        }
      }
      const nulls = validIn(valid, from, to);
      const { type } = schema;
      return { column: { kind: 'vector', type, values, valid: nulls }, problems };
    },
    jsonAt: (row) => {
      if (valid?.[row] === 0) return 'null';
      const items = Array.from(all.subarray(row * size, (row + 1) * size));
      return JSON.stringify(items.map((item) => (Number.isFinite(item) ? item : String(item))));
    },
  };
}
