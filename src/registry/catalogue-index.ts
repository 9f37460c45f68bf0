import { distanceWithin } from '../base/suggest.ts';
import type { CatalogueEntry } from './catalogue-entries.ts';
import { bitsOf, editsAllowed, letterBits, wordsOf } from './catalogue-words.ts';

/** What a word of a query is worth in an entry; a word that only is near is worth least. */
export const WORTH = { name: 8, namePrefix: 5, label: 4, labelPrefix: 2, text: 3, textPrefix: 1 };

interface Posting {
  readonly entry: number;
  readonly field: 'name' | 'label' | 'text';
}

/** Which entries have a word: words in order, for prefixes, each with its letters as bits. */
export class WordIndex {
  readonly #words: readonly string[];
  readonly #bits: Int32Array;
  readonly #postings: readonly (readonly Posting[])[];

  constructor(entries: readonly CatalogueEntry[]) {
    const postings = new Map<string, Posting[]>();
    entries.forEach((entry, at) => {
      for (const [word, field] of fieldsOf(entry)) {
        const list = postings.get(word);
        if (list === undefined) postings.set(word, [{ entry: at, field }]);
        else list.push({ entry: at, field });
      }
    });
    const sorted = [...postings].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#words = sorted.map(([word]) => word);
    this.#postings = sorted.map(([, list]) => list);
    this.#bits = Int32Array.from(this.#words, letterBits);
  }

  /**
   * What a word is worth in each entry that is allowed, 0 where it is in none of its words. Near
   * words count only where no allowed entry has the word or begins with it: so what is not
   * allowed changes nothing.
   */
  worthOf(
    word: string,
    allowed: Uint8Array,
  ): { readonly worth: Uint8Array; readonly near: boolean } {
    const worth = new Uint8Array(allowed.length);
    let found = false;
    for (let at = this.#firstFrom(word); this.#words[at]?.startsWith(word); at++) {
      const isWhole = this.#words[at] === word;
      for (const { entry, field } of this.#postings[at] ?? []) {
        if (allowed[entry] !== 1) continue;
        found = true;
        const value = isWhole ? WORTH[field] : WORTH[`${field}Prefix`];
        if (value > (worth[entry] as number)) worth[entry] = value;
      }
    }
    if (found) return { worth, near: false };
    this.#addNear(word, allowed, worth);
    return { worth, near: true };
  }

  #addNear(word: string, allowed: Uint8Array, worth: Uint8Array): void {
    const edits = editsAllowed(word);
    if (edits === 0) return;
    const bits = letterBits(word);
    for (let at = 0; at < this.#words.length; at++) {
      const known = this.#words[at] as string;
      if (Math.abs(known.length - word.length) > edits) continue;
      if (bitsOf(bits ^ (this.#bits[at] as number)) > 2 * edits) continue;
      const distance = distanceWithin(word, known, edits);
      if (distance === null) continue;
      for (const { entry, field } of this.#postings[at] ?? []) {
        if (allowed[entry] !== 1) continue;
        const value = (field === 'name' ? 4 : 2) - distance + 1;
        if (value > (worth[entry] as number)) worth[entry] = value;
      }
    }
  }

  #firstFrom(word: string): number {
    let low = 0;
    let high = this.#words.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#words[middle] as string) < word) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Each word of an entry once, in the field where it is worth most. */
function fieldsOf(entry: CatalogueEntry): Map<string, Posting['field']> {
  const words = new Map<string, Posting['field']>();
  const { owner, description, tags, type, entity, source, kind, state } = entry;
  const labels = [...tags, owner, type, entity, source, kind, state].filter((one) => one !== null);
  for (const word of wordsOf(description ?? '')) words.set(word, 'text');
  for (const label of labels) for (const word of wordsOf(label)) words.set(word, 'label');
  for (const word of wordsOf(entry.name)) words.set(word, 'name');
  return words;
}
