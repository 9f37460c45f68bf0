import { present } from '../base/assert.ts';
import type { Column, EventBatch } from '../schema/batch.ts';
import { encodeKey } from '../schema/key.ts';
import { canonicalInteger, type Scalar } from '../schema/types.ts';
import type { KeyDirectory } from '../store/key-directory.ts';

type StringColumn = Column & { kind: 'string' };
type Level = Map<Scalar, Level | number>;

/**
 * The key ids of a batch's events over one list of key columns: -1 where a key column is null or
 * ''. Ids that no group took into use are to be given back by `release`.
 */
export class KeyResolver {
  readonly #index: KeyDirectory;
  /** Positions of the key columns in the source's schema. */
  readonly #columns: readonly number[];
  readonly #added: number[] = [];
  #ids = new Int32Array(0);
  /** Events of the last batch without a key. */
  keyless = 0;

  constructor(index: KeyDirectory, columns: readonly number[]) {
    this.#index = index;
    this.#columns = columns;
  }

  /** Valid until the next call. */
  resolve(batch: EventBatch): Int32Array {
    if (this.#ids.length < batch.count) this.#ids = new Int32Array(batch.count);
    this.keyless = 0;
    const columns = this.#columns.map((at) => present(batch.columns[at], 'a key column'));
    const [first] = columns;
    if (columns.length === 1 && first?.kind === 'string') this.#resolveText(first, batch.count);
    else this.#resolveParts(columns, batch.count);
    return this.#ids;
  }

  release(): void {
    this.#index.releaseUnused(this.#added);
    this.#added.length = 0;
  }

  /** Hot: one string column is its own key, and nothing is allocated for a known one. */
  #resolveText(column: StringColumn, count: number): void {
    const { values, valid } = column;
    const ids = this.#ids;
    const index = this.#index;
    let keyless = 0;
    for (let i = 0; i < count; i++) {
      const key = values[i] as string;
      if (key === '' || (valid !== null && valid[i] === 0)) {
        ids[i] = -1;
        keyless += 1;
        continue;
      }
      const id = index.find(key);
      ids[i] = id >= 0 ? id : this.#add(key);
    }
    this.keyless = keyless;
  }

  /** Each distinct key of the batch is encoded once. */
  #resolveParts(columns: readonly Column[], count: number): void {
    const root: Level = new Map();
    const last = columns.length - 1;
    for (let i = 0; i < count; i++) {
      let level = root;
      let id: number | undefined;
      for (let part = 0; part <= last; part++) {
        const value = keyPart(columns[part] as Column, i);
        if (value === null) {
          id = -1;
          break;
        }
        const next = level.get(value);
        if (part === last) {
          id = next as number | undefined;
          if (id === undefined) {
            id = this.#intern(columns, i);
            level.set(value, id);
          }
        } else if (next === undefined) {
          const deeper: Level = new Map();
          level.set(value, deeper);
          level = deeper;
        } else level = next as Level;
      }
      if (id === -1) this.keyless += 1;
      this.#ids[i] = id as number;
    }
  }

  #intern(columns: readonly Column[], row: number): number {
    const key = encodeKey(columns.map((column) => keyPart(column, row)));
    const id = this.#index.find(key);
    return id >= 0 ? id : this.#add(key);
  }

  #add(key: string): number {
    const id = this.#index.add(key);
    this.#added.push(id);
    return id;
  }
}

/** A key column's value; null also where it is '', which names no entity. */
export function keyPart(column: Column, row: number): Scalar {
  if (column.valid !== null && column.valid[row] === 0) return null;
  switch (column.kind) {
    case 'string':
      return column.values[row] || null;
    case 'bool':
      return column.values[row] === 1;
    case 'number':
      return column.wide === null
        ? (column.values[row] as number)
        : canonicalInteger(column.wide[row] as bigint);
    case 'vector':
      return null;
  }
}
