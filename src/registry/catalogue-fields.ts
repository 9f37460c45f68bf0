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

/** The values of one field, numbered, and those of each entry. */
export class FieldIndex {
  readonly name: CatalogueField;
  readonly values: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #ofEntry: readonly (readonly number[])[];

  constructor(name: CatalogueField, entries: readonly CatalogueEntry[]) {
    this.name = name;
    this.#ofEntry = entries.map((entry) => {
      const given = name === 'tag' ? entry.tags : [entry[name]];
      return given.flatMap((value) => (value === null ? [] : [this.#numberOf(value)]));
    });
  }

  /** null where the filter is not given; values that no entry has fit none. */
  wanted(values: readonly string[]): ReadonlySet<number> | null {
    if (values.length === 0) return null;
    return new Set(values.flatMap((value) => this.#numbers.get(value) ?? []));
  }

  has(entry: number, wanted: ReadonlySet<number>): boolean {
    return this.#ofEntry[entry]?.some((value) => wanted.has(value)) ?? false;
  }

  count(entry: number, counts: Int32Array | undefined): void {
    for (const value of this.#ofEntry[entry] ?? []) {
      if (counts !== undefined) counts[value] = (counts[value] as number) + 1;
    }
  }

  /** The most frequent values first, `LIMITS.facetValues` of them. */
  facet(counts: Int32Array): FacetValue[] {
    return this.values
      .flatMap((value, at) => {
        const count = counts[at] as number;
        return count > 0 ? [{ value, count }] : [];
      })
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, LIMITS.facetValues);
  }

  #numberOf(value: string): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.values.push(value);
    this.#numbers.set(value, this.values.length - 1);
    return this.values.length - 1;
  }
}
