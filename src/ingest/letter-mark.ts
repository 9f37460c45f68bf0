/** Says that a letter was taken again. */
export interface LetterMark {
  readonly id: string;
  /** The reason it was refused for at first; null in marks that do not say it. */
  readonly code: string | null;
}

const ID = /^([\d.-]+):(\d{1,8})$/;

/** Ids of letters as one bit a line of their file: it grows with what is marked, and stays small. */
export class MarkedLetters {
  readonly #parts = new Map<string, Uint8Array>();

  has(id: string): boolean {
    const [, part = '', line = 0] = ID.exec(id) ?? [];
    const bits = this.#parts.get(part)?.[Number(line) >> 3] ?? 0;
    return ((bits >> (Number(line) & 7)) & 1) === 1;
  }

  /** What is no id, as after the damage of a crash, marks nothing. */
  add(id: string): void {
    const [, part, line] = ID.exec(id) ?? [];
    if (part === undefined) return;
    const at = Number(line) >> 3;
    let bits = this.#parts.get(part) ?? new Uint8Array(0);
    if (at >= bits.length) {
      const grown = new Uint8Array(Math.max(64, at + 1, 2 * bits.length));
      grown.set(bits);
      bits = grown;
      this.#parts.set(part, bits);
    }
    bits[at] = (bits[at] ?? 0) | (1 << (Number(line) & 7));
  }
}

/** Null for a line that is none: a crash may leave a damaged one. */
export function parseMark(line: string): LetterMark | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  const [id, code = null] = Array.isArray(parsed) ? parsed : [parsed];
  if (typeof id !== 'string') return null;
  return { id, code: code === null ? null : String(code) };
}
