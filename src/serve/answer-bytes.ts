import { ANSWER_ROOMS } from './byte-rooms.ts';

/** Bytes of one answer, put together from pieces that are kept and text that is new. */
export class AnswerBytes {
  #bytes: Buffer;
  #length = 0;

  /** @param expected bytes to make room for at first */
  constructor(expected: number) {
    this.#bytes = ANSWER_ROOMS.take(expected);
  }

  get length(): number {
    return this.#length;
  }

  piece(piece: Uint8Array): void {
    const end = this.#length + piece.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(piece, this.#length);
    this.#length = end;
  }

  /** @param text of ASCII characters only */
  text(text: string): void {
    const end = this.#length + text.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.write(text, this.#length, 'latin1');
    this.#length = end;
  }

  byte(code: number): void {
    if (this.#length === this.#bytes.length) this.#grow(this.#length + 1);
    this.#bytes[this.#length++] = code;
  }

  /** What has been written; nothing may be added after it. */
  end(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const grown = ANSWER_ROOMS.take(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    ANSWER_ROOMS.give(this.#bytes);
    this.#bytes = grown;
  }
}
