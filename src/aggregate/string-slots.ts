import { present } from '../base/assert.ts';
import type { ByteReader, ByteWriter } from '../base/bytes.ts';

/** The word of a tile that has no string; the numbers of strings start at 0. */
export const NO_STRING = -1;

/** Strings that tiles refer to by number. Each number has one owner, a word of one tile. */
export class StringSlots {
  readonly #texts: string[] = [];
  readonly #free: number[] = [];

  /** Strings held now. */
  get size(): number {
    return this.#texts.length - this.#free.length;
  }

  take(text: string): number {
    const slot = this.#free.pop() ?? this.#texts.length;
    this.#texts[slot] = text;
    return slot;
  }

  get(slot: number): string {
    return present(this.#texts[slot], 'a tile refers to a string that is held');
  }

  set(slot: number, text: string): void {
    this.#texts[slot] = text;
  }

  release(slot: number): void {
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
