import { present } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { isPacked, PACKED_MARK } from '../schema/packed-vector.ts';

/** The word of a tile that has no string; the numbers of strings start at 0. */
export const NO_STRING = -1;

/** Of one string: its header and its place in the list. */
const STRING_BYTES = 32;

/** Strings that tiles refer to by number. Each number has one owner, a word of one tile. */
export class StringSlots {
  readonly #texts: string[] = [];
  readonly #free: number[] = [];
  #textBytes = 0;

  /** Strings held now. */
  get size(): number {
    return this.#texts.length - this.#free.length;
  }

  /** Memory of all strings held, at most. */
  get bytes(): number {
    return this.size * STRING_BYTES + this.#textBytes;
  }

  take(text: string): number {
    this.#textBytes += bytesOf(text);
    const slot = this.#free.pop() ?? this.#texts.length;
    this.#texts[slot] = text;
    return slot;
  }

  get(slot: number): string {
    return present(this.#texts[slot], 'a tile refers to a string that is held');
  }

  set(slot: number, text: string): void {
    this.#textBytes += bytesOf(text) - bytesOf(this.get(slot));
    this.#texts[slot] = text;
  }

  release(slot: number): void {
    this.#textBytes -= bytesOf(this.get(slot));
    this.#texts[slot] = '';
    this.#free.push(slot);
  }
}

export function writeSlot(writer: ByteWriter, texts: StringSlots, slot: number): void {
  writer.u8(slot === NO_STRING ? 0 : 1);
  if (slot !== NO_STRING) writeText(writer, texts.get(slot));
}

export function readSlot(reader: ByteReader, texts: StringSlots): number {
  return reader.u8() === 0 ? NO_STRING : texts.take(readText(reader));
}

/** Characters take two bytes at most, those of a packed vector one. */
function bytesOf(text: string): number {
  return text.charCodeAt(0) === PACKED_MARK ? text.length : text.length * 2;
}

/** UTF-8, but for packed vectors: their bytes as they are, which no UTF-8 text begins with. */
export function writeText(writer: ByteWriter, text: string): void {
  if (text.charCodeAt(0) !== PACKED_MARK || !isPacked(text)) {
    writer.string(text);
    return;
  }
  writer.varint(text.length);
  writer.raw(Buffer.from(text, 'latin1'));
}

export function readText(reader: ByteReader): string {
  const bytes = reader.raw(reader.varint());
  if (bytes[0] !== PACKED_MARK) return decoder.decode(bytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

const decoder = new TextDecoder('utf-8', { fatal: true });
