import { present } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';

/** The word of a tile that has no string; the numbers of strings start at 0. */
export const NO_STRING = -1;

/** Of one string: its header and its place in the list; its characters take two bytes at most. */
const STRING_BYTES = 32;

/** Strings that tiles refer to by number. Each number has one owner, a word of one tile. */
export class StringSlots {
  readonly #texts: string[] = [];
  readonly #free: number[] = [];
  #characters = 0;

  /** Strings held now. */
  get size(): number {
    return this.#texts.length - this.#free.length;
  }

  /** Memory of all strings held, at most. */
  get bytes(): number {
    return this.size * STRING_BYTES + this.#characters * 2;
  }

  take(text: string): number {
    this.#characters += text.length;
    const slot = this.#free.pop() ?? this.#texts.length;
    this.#texts[slot] = text;
    return slot;
  }

  get(slot: number): string {
    return present(this.#texts[slot], 'a tile refers to a string that is held');
  }

  set(slot: number, text: string): void {
    this.#characters += text.length - this.get(slot).length;
    this.#texts[slot] = text;
  }

  release(slot: number): void {
    this.#characters -= this.get(slot).length;
    this.#texts[slot] = '';
    this.#free.push(slot);
  }
}

export function writeSlot(writer: ByteWriter, texts: StringSlots, slot: number): void {
  writer.u8(slot === NO_STRING ? 0 : 1);
  if (slot !== NO_STRING) writer.string(texts.get(slot));
}

export function readSlot(reader: ByteReader, texts: StringSlots): number {
  return reader.u8() === 0 ? NO_STRING : texts.take(reader.string());
}
