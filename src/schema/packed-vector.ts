import { assert } from '../base/assert.ts';
import type { Column } from './batch.ts';
import type { ValueType, VectorValue } from './types.ts';

export type VectorType = Extract<ValueType, { kind: 'vector' }>;

/** The first character of every packed vector. As a byte it begins no UTF-8 text. */
export const PACKED_MARK = 0xff;

/** What a vector's text has more than its elements' bytes. */
export const PACKED_HEAD = 1;

/**
 * A vector as a text of one byte a character, its elements' bytes behind a mark: tiles hold texts,
 * and so take, move and compare vectors by the code that there is for them.
 */
export class VectorPacker {
  readonly #bytes: Buffer;
  readonly #size: number;

  constructor({ size }: VectorType) {
    this.#size = size;
    this.#bytes = Buffer.alloc(PACKED_HEAD + size * 4);
    this.#bytes[0] = PACKED_MARK;
  }

  /** Of the elements from `from` on. */
  pack(values: Float32Array, from: number): string {
    const { buffer, byteOffset } = values;
    this.#bytes.set(new Uint8Array(buffer, byteOffset + from * 4, this.#size * 4), PACKED_HEAD);
    return this.#bytes.toString('latin1');
  }
}

/** The packed vectors of a column; an empty text where there is none, or where `wanted` is 0. */
export function packedTexts(
  column: Extract<Column, { kind: 'vector' }>,
  wanted: Uint8Array | null = null,
  count: number = column.values.length / vectorType(column).size,
): string[] {
  const type = vectorType(column);
  const packer = new VectorPacker(type);
  const texts = new Array<string>(count).fill('');
  for (let i = 0; i < count; i++) {
    if (column.valid?.[i] === 0 || wanted?.[i] === 0) continue;
    texts[i] = packer.pack(column.values, i * type.size);
  }
  return texts;
}

export function vectorType({ type }: Extract<Column, { kind: 'vector' }>): VectorType {
  assert(type.kind === 'vector', 'a column of vectors has their type');
  return type;
}

/** The elements of a packed vector, as numbers. */
export function unpackVector(text: string): VectorValue {
  return Array.from(unpackSingles(text));
}

export function unpackSingles(text: string): Float32Array {
  const count = (text.length - PACKED_HEAD) >> 2;
  const singles = new Float32Array(count);
  const bytes = Buffer.from(singles.buffer);
  bytes.write(text.slice(PACKED_HEAD), 'latin1');
  return singles;
}

/** Whether a text takes one byte a character in memory, and is written so. */
export function isPacked(text: string): boolean {
  return text.charCodeAt(0) === PACKED_MARK && !BEYOND_LATIN1.test(text);
}

const BEYOND_LATIN1 = /[\u0100-\uffff]/;
