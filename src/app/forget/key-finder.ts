import type { KeyPlace } from '../../ingest/forget/key-rule.ts';
import { parseJson } from '../../schema/json.ts';
import type { GoneKeys } from './stored-keys.ts';
import type { Subject } from './subjects.ts';
import { LONG_KEY, Words } from './words.ts';

/** What keys are called where they are no columns. */
export interface KeyNames {
  readonly joinKeysOf: (entity: string) => readonly string[];
  /** What producers call a column now. */
  readonly shownAs: (source: string, column: string) => string;
}

/**
 * Finds the keys of a job in rows and texts that are no columns: rejected rows, served answers. Both
 * what people know and what is stored is looked for.
 */
export class KeyFinder {
  /** By source, each place with its keys as texts. */
  readonly #places = new Map<string, { place: KeyPlace; keys: ReadonlySet<string> }[]>();
  readonly #texts: ReadonlySet<string>;
  readonly #words: Words;
  /** Those that are nothing else wherever they stand. */
  readonly #longWords: Words;
  readonly #subjects: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(
    subjects: readonly Subject[],
    gone: readonly GoneKeys[],
    { joinKeysOf, shownAs }: KeyNames,
  ) {
    const texts = new Set<string>();
    for (const { place, keys } of gone) {
      const known = new Set(keys.map((key) => JSON.stringify(key)));
      for (const { entity, values } of subjects) {
        if (entity === place.entity) known.add(JSON.stringify(values));
      }
      const own = this.#places.get(place.source) ?? [];
      const columns = place.columns.map((column) => shownAs(place.source, column));
      const both = [place, { ...place, columns }].map((one) => ({ place: one, keys: known }));
      this.#places.set(place.source, [...own, ...both]);
      // The parts of a composite key are nobody's alone.
      for (const key of keys) if (key.length === 1) texts.add(key[0] ?? '');
    }
    for (const { values } of subjects) if (values.length === 1) texts.add(values[0] ?? '');
    this.#texts = texts;
    this.#words = new Words(texts);
    this.#longWords = new Words([...texts].filter((text) => text.length >= LONG_KEY));
    const byEntity = new Map<string, Set<string>>();
    const add = (entity: string, values: readonly string[]): void => {
      const names = joinKeysOf(entity);
      const key = JSON.stringify(names.map((name, at) => [name, values[at] ?? '']));
      byEntity.set(entity, (byEntity.get(entity) ?? new Set()).add(key));
    };
    for (const { entity, values } of subjects) add(entity, values);
    for (const { place, keys } of gone) for (const key of keys) add(place.entity, key);
    this.#subjects = byEntity;
    this.#joinKeysOf = joinKeysOf;
  }

  readonly #joinKeysOf: (entity: string) => readonly string[];

  /** Texts that stand for one of them by themselves. */
  get texts(): ReadonlySet<string> {
    return this.#texts;
  }

  /** Whether a rejected row of a source is about one of them; of what is no JSON, whether it says so. */
  inRow(source: string, raw: string): boolean {
    const places = this.#places.get(source) ?? [];
    let row: unknown;
    try {
      row = parseJson(raw);
    } catch {
      return this.inText(raw);
    }
    if (typeof row !== 'object' || row === null) return this.inText(raw);
    if (places.some(({ place, keys }) => holds(row, place.columns, keys))) return true;
    // Rows are rejected for wrong names, too: what stands under one is the person's all the same.
    return this.inValue(row) || this.#longWords.isIn(raw);
  }

  /** Whether a row of join keys, of a request or an answer, names one of them. */
  inKey(key: Readonly<Record<string, unknown>>): boolean {
    for (const [entity, keys] of this.#subjects) {
      const names = this.#joinKeysOf(entity);
      if (!names.every((name) => name in key)) continue;
      if (keys.has(JSON.stringify(names.map((name) => [name, String(key[name])])))) return true;
    }
    return false;
  }

  /** Whether a text, or one within it, is one of them; a number may be anything. */
  inValue(value: unknown): boolean {
    if (Array.isArray(value)) return value.some((one) => this.inValue(one));
    if (typeof value === 'object' && value !== null) {
      return Object.values(value).some((one) => this.inValue(one));
    }
    return typeof value === 'string' && this.#texts.has(value);
  }

  /** Whether one of them stands in a text as a word of its own. */
  inText(text: string): boolean {
    return this.#words.isIn(text);
  }
}

/** Whether an object, or one within it, has these columns with one of the keys. */
function holds(row: object, columns: readonly string[], keys: ReadonlySet<string>): boolean {
  const fields = new Map<string, unknown>(Object.entries(row));
  if (columns.every((name) => fields.has(name))) {
    if (keys.has(JSON.stringify(columns.map((name) => String(fields.get(name)))))) return true;
  }
  return [...fields.values()].some(
    (value) => typeof value === 'object' && value !== null && holds(value, columns, keys),
  );
}
