import { LIMITS } from '../../base/limits.ts';

const FIRST_BYTES = 1_024;
const VARINT = 0;
const DELIMITED = 2;
const SAFE_ZIGZAG = 2 ** 52;
const LOW = 2 ** 32;

/** Writes the wire format of Protocol Buffers: fields behind each other, nested ones by their length. */
export class ProtoBytes {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  /** Also lets go of the memory that a rare, large message took. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > LIMITS.answerRoomMaxBytes)
      this.#bytes = Buffer.allocUnsafe(FIRST_BYTES);
  }

  /** What was written since `clear`; good until the next one. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  raw(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A field that holds bytes, a text's or another message's; also an empty one. */
  delimited(field: number, bytes: Uint8Array): void {
    this.varint(field * 8 + DELIMITED);
    this.varint(bytes.length);
    this.raw(bytes);
  }

  text(field: number, text: string): void {
    const bytes = Buffer.byteLength(text);
    this.varint(field * 8 + DELIMITED);
    this.varint(bytes);
    this.#need(bytes);
    this.#bytes.write(text, this.#length, 'utf8');
    this.#length += bytes;
  }

  /** A whole number of at least 0 and below 2^53; the default 0 is not written. */
  unsigned(field: number, value: number): void {
    if (value === 0) return;
    this.varint(field * 8 + VARINT);
    this.varint(value);
  }

  signed(field: number, value: number | bigint): void {
    if (value === 0 || value === 0n) return;
    this.varint(field * 8 + VARINT);
    this.zigzag(value);
  }

  /** An int64 as `sint64` writes it, without a tag. */
  zigzag(value: number | bigint): void {
    if (typeof value === 'number' && value < SAFE_ZIGZAG && value > -SAFE_ZIGZAG) {
      this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
      return;
    }
    const exact = BigInt(value);
    let rest = exact >= 0n ? exact * 2n : -exact * 2n - 1n;
    this.#need(10);
    while (rest >= 128n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  double(value: number): void {
    this.#need(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  float(value: number): void {
    this.#need(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
  }

  /** A whole number of at least 0 and below 2^53, without a tag. */
  varint(value: number): void {
    this.#need(8);
    let rest = value;
    while (rest >= LOW) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    rest >>>= 0;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #need(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
