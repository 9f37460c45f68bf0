/** Characters; a shorter key is in everything: it counts as a value of its own only. */
export const LONG_KEY = 6;
/** More than these are looked for word by word. */
const PATTERN_TEXTS = 50;
const WORD = /[\p{L}\p{N}_.@+-]+/gu;
const SIMPLE = /^[\p{L}\p{N}_.@+-]+$/u;

/** Texts that are looked for in others, as words of their own. */
export class Words {
  readonly #texts: ReadonlySet<string>;
  readonly #others: readonly string[];
  readonly #pattern: RegExp | null;

  constructor(texts: Iterable<string>) {
    this.#texts = new Set(texts);
    const { size } = this.#texts;
    this.#others = size > PATTERN_TEXTS ? [...this.#texts].filter((one) => !SIMPLE.test(one)) : [];
    this.#pattern = size === 0 || size > PATTERN_TEXTS ? null : patternOf(this.#texts);
  }

  isIn(text: string): boolean {
    if (this.#pattern !== null) return this.#pattern.test(text);
    if (this.#texts.size === 0) return false;
    if (this.#texts.has(text)) return true;
    for (const [word] of text.matchAll(WORD)) if (this.#texts.has(word)) return true;
    return this.#others.some((one) => text.includes(one));
  }
}

function patternOf(texts: ReadonlySet<string>): RegExp {
  const each = [...texts].map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`(?<![\\p{L}\\p{N}_])(?:${each.join('|')})(?![\\p{L}\\p{N}_])`, 'u');
}
