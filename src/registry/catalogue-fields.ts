import { LIMITS } from '../base/limits.ts';
import type { CatalogueEntry } from './catalogue-entries.ts';

export const CATALOGUE_FIELDS = [
  'kind',
  'namespace',
  'tag',
  'owner',
  'state',
  'type',
  'entity',
  'source',
  'risk',
] as const;

export type CatalogueField = (typeof CATALOGUE_FIELDS)[number];

export interface FacetValue {
  readonly value: string;
  readonly count: number;
}

/** An entry fails no filter; else the number of the field whose it fails, or that it is out. */
export const NONE = -1;
/** It fails several filters, or does not fit the text, or may not be seen. */
export const OUT = -2;

/** The values of one field, numbered, and those of each entry, one entry after the other. */
export class FieldIndex {
  readonly name: CatalogueField;
  readonly #values: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** Where the values of each entry begin; those of the last one end with the list. */
  readonly #starts: Int32Array;
  readonly #ofEntries: Int32Array;

  constructor(name: CatalogueField, entries: readonly CatalogueEntry[]) {
    this.name = name;
    this.#starts = new Int32Array(entries.length + 1);
    const numbers: number[] = [];
    entries.forEach((entry, at) => {
      const given = name === 'tag' ? entry.tags : [entry[name]];
      for (const value of given) if (value !== null) numbers.push(this.#numberOf(value));
      this.#starts[at + 1] = numbers.length;
    });
    this.#ofEntries = Int32Array.from(numbers);
  }

  /** Notes which entries have none of the values; a value that no entry has fits none. */
  judge(wanted: readonly string[], field: number, verdicts: Int8Array): void {
    const isWanted = new Uint8Array(this.#values.length);
    for (const value of wanted) {
      const number = this.#numbers.get(value);
      if (number !== undefined) isWanted[number] = 1;
    }
    for (let at = 0; at < verdicts.length; at++) {
      if (verdicts[at] === OUT) continue;
      let fits = 0;
      const end = this.#starts[at + 1] as number;
      for (let place = this.#starts[at] as number; place < end; place++) {
        fits |= isWanted[this.#ofEntries[place] as number] as number;
      }
      if (fits === 0) verdicts[at] = verdicts[at] === NONE ? field : OUT;
    }
  }

  /**
   * How many entries there would be with each value, were it not for this field's own filter: the
   * most frequent first, `LIMITS.facetValues` of them.
   */
  facet(field: number, verdicts: Int8Array): FacetValue[] {
    const counts = new Int32Array(this.#values.length);
    for (let at = 0; at < verdicts.length; at++) {
      const verdict = verdicts[at];
      if (verdict !== NONE && verdict !== field) continue;
      const end = this.#starts[at + 1] as number;
      for (let place = this.#starts[at] as number; place < end; place++) {
        const number = this.#ofEntries[place] as number;
        counts[number] = (counts[number] as number) + 1;
      }
    }
    return this.#values
      .map((value, at) => ({ value, count: counts[at] as number }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, LIMITS.facetValues);
  }

  #numberOf(value: string): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#values.push(value);
    this.#numbers.set(value, this.#values.length - 1);
    return this.#values.length - 1;
  }
}
