import { hash } from 'node:crypto';

/** Hexadecimal digits of an MD5 that make 52 bits. */
const DIGITS = 13;
export const HASH_RANGE = 2n ** 52n;
/** Values whose hashes are remembered: most streams repeat few values again and again. */
const REMEMBERED = 4_096;

/**
 * The first 52 bits of the MD5 of a text in UTF-8, as an integer (semantics §3): a hash that every
 * engine has. It only has to spread well; nobody is kept from choosing values that collide.
 */
export function hash52(text: string): number {
  return Number.parseInt(hash('md5', text, 'hex').slice(0, DIGITS), 16);
}

/** Hashes of values of one kind, the recent ones by heart. */
export class HashMemo<Value extends string | number> {
  readonly #known = new Map<Value, number>();

  of(value: Value): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const hashed = hash52(String(value));
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(value, hashed);
    return hashed;
  }
}
