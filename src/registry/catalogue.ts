import { LIMITS } from '../base/limits.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { type Cursor, readCursor, writeCursor } from './catalogue-cursor.ts';
import {
  CATALOGUE_KINDS,
  type CatalogueEntry,
  catalogueEntries,
  type StateOf,
} from './catalogue-entries.ts';
import {
  CATALOGUE_FIELDS,
  type CatalogueField,
  type FacetValue,
  FieldIndex,
  NONE,
  OUT,
} from './catalogue-fields.ts';
import { WordIndex } from './catalogue-index.ts';
import { normalText, wordsOf } from './catalogue-words.ts';

export interface CatalogueQuery {
  /** Any text; '' for all. Each of its words must be in an entry, or near one of its words. */
  readonly text?: string;
  /** Of each field that is given an entry has one of the values. */
  readonly filters?: Readonly<Partial<Record<CatalogueField, readonly string[]>>>;
  /** 1 to `LIMITS.cataloguePage`; 20 unless given. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
  /** Whether a definition may be seen. What may not is in no entry, count or suggestion. */
  readonly visible?: (definition: string) => boolean;
}

export interface CataloguePage {
  readonly entries: readonly CatalogueEntry[];
  /** How many there are in all. */
  readonly total: number;
  /** Of every field, what there would be with each value, the other filters as they are. */
  readonly facets: Readonly<Record<CatalogueField, readonly FacetValue[]>>;
  /** Where the next page begins, or null. */
  readonly next: string | null;
}

const DEFAULT_LIMIT = 20;

/** How well an entry fits, before what its words are worth. */
const TIER = { exact: 0, prefix: 1, words: 2, near: 3 } as const;
/** More than all the words of a query can be worth. */
const WORTH_SPAN = 1024;

/** All that is defined, to be looked through by words and fields. Made once, never changed. */
export class Catalogue {
  readonly entries: readonly CatalogueEntry[];
  readonly #index: WordIndex;
  readonly #names: readonly (readonly string[])[];
  readonly #fields: readonly FieldIndex[];

  private constructor(entries: readonly CatalogueEntry[]) {
    this.entries = entries;
    this.#index = new WordIndex(entries);
    this.#names = entries.map(({ name, shortName, definition }) =>
      [name, shortName, definition].map(normalText),
    );
    this.#fields = CATALOGUE_FIELDS.map((field) => new FieldIndex(field, entries));
  }

  static of(plan: ProjectPlan, stateOf: StateOf = () => null): Catalogue {
    return new Catalogue(catalogueEntries(plan, stateOf));
  }

  /** @throws AsofError `bad_request` for a cursor that is none */
  search({ text = '', filters = {}, limit, cursor, visible }: CatalogueQuery): CataloguePage {
    const allowed = this.#allowed(visible);
    const ranks = this.#ranks(text, allowed);
    const verdicts = this.#verdicts(allowed, ranks, filters);
    const found: number[] = [];
    for (let at = 0; at < verdicts.length; at++) {
      if (verdicts[at] !== NONE) continue;
      const rank = ranks === null ? 0 : (ranks[at] as number);
      found.push(rank * verdicts.length + at);
    }
    const sorted = Float64Array.from(found).sort();
    return {
      ...this.#page(sorted, limit, cursor),
      total: found.length,
      facets: this.#facets(verdicts),
    };
  }

  #allowed(visible: CatalogueQuery['visible']): Uint8Array {
    const allowed = new Uint8Array(this.entries.length).fill(1);
    if (visible === undefined) return allowed;
    const known = new Map<string, boolean>();
    this.entries.forEach(({ definition }, at) => {
      const may = known.get(definition) ?? visible(definition);
      known.set(definition, may);
      if (!may) allowed[at] = 0;
    });
    return allowed;
  }

  /** By entry: the smaller the better, -1 for those that do not fit; null: all fit alike. */
  #ranks(text: string, allowed: Uint8Array): Float64Array | null {
    const normal = normalText(text.slice(0, LIMITS.catalogueTextChars)).trim();
    if (normal === '') return null;
    const words = [...new Set(wordsOf(normal))].slice(0, LIMITS.catalogueWords);
    const ranks = new Float64Array(this.entries.length).fill(-1);
    const found = words.map((word) => this.#index.worthOf(word, allowed));
    if (found.length === 0) return ranks;
    const tier = found.some(({ near }) => near) ? TIER.near : TIER.words;
    for (let at = 0; at < ranks.length; at++) {
      let worth = 0;
      for (const one of found) {
        const own = one.worth[at] as number;
        if (own === 0) {
          worth = -1;
          break;
        }
        worth += own;
      }
      if (worth < 0) continue;
      const best = tier === TIER.near ? tier : this.#tierOf(at, normal);
      ranks[at] = best * WORTH_SPAN + (WORTH_SPAN - 1 - worth);
    }
    return ranks;
  }

  #tierOf(at: number, text: string): number {
    const names = this.#names[at] ?? [];
    if (names.includes(text)) return TIER.exact;
    return names.some((name) => name.startsWith(text)) ? TIER.prefix : TIER.words;
  }

  /** Of each entry the one field whose filter it fails, or that it fails none, or is not there. */
  #verdicts(
    allowed: Uint8Array,
    ranks: Float64Array | null,
    filters: NonNullable<CatalogueQuery['filters']>,
  ): Int8Array {
    const verdicts = new Int8Array(this.entries.length);
    for (let at = 0; at < verdicts.length; at++) {
      const fits = allowed[at] === 1 && (ranks === null || (ranks[at] as number) >= 0);
      verdicts[at] = fits ? NONE : OUT;
    }
    this.#fields.forEach((field, number) => {
      const wanted = filters[field.name] ?? [];
      if (wanted.length > 0) field.judge(wanted, number, verdicts);
    });
    return verdicts;
  }

  #page(sorted: Float64Array, limit: number | undefined, cursor: string | undefined) {
    const size = Math.min(Math.max(Math.trunc(limit ?? DEFAULT_LIMIT), 1), LIMITS.cataloguePage);
    const after = cursor === undefined ? null : readCursor(cursor);
    const count = this.entries.length;
    const keyOf = (key: number) => ({ rank: Math.floor(key / count), at: key % count });
    const start =
      after === null
        ? 0
        : sorted.findIndex((key) => {
            const { rank, at } = keyOf(key);
            return rank > after.rank || (rank === after.rank && this.#isBehind(at, after));
          });
    const keys = start < 0 ? [] : [...sorted.subarray(start, start + size)];
    const entries = keys.flatMap((key) => this.entries[key % count] ?? []);
    const last = entries.at(-1);
    const isLast = start < 0 || start + size >= sorted.length || last === undefined;
    const next = isLast ? null : writeCursor(keyOf(keys.at(-1) ?? 0).rank, last);
    return { entries, next };
  }

  #isBehind(at: number, { name, kind }: Cursor): boolean {
    const entry = this.entries[at];
    if (entry === undefined || entry.name < name) return false;
    return entry.name > name || CATALOGUE_KINDS.indexOf(entry.kind) > CATALOGUE_KINDS.indexOf(kind);
  }

  #facets(verdicts: Int8Array): CataloguePage['facets'] {
    const of = (name: CatalogueField): FacetValue[] => {
      const number = CATALOGUE_FIELDS.indexOf(name);
      return this.#fields[number]?.facet(number, verdicts) ?? [];
    };
    return {
      ...{ kind: of('kind'), namespace: of('namespace'), tag: of('tag'), owner: of('owner') },
      ...{ state: of('state'), type: of('type'), entity: of('entity'), source: of('source') },
      risk: of('risk'),
    };
  }
}
