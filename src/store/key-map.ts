/**
 * Text → number for more keys than one `Map` of the runtime can hold, about 16.7 million. There is
 * one map, and so one look-up, until it is full.
 */
export class KeyMap {
  readonly #keysPerMap: number;
  readonly #maps: Map<string, number>[] = [new Map()];

  constructor(keysPerMap: number) {
    this.#keysPerMap = keysPerMap;
  }

  get size(): number {
    return this.#maps.reduce((sum, map) => sum + map.size, 0);
  }

  get(key: string): number | undefined {
    for (const map of this.#maps) {
      const value = map.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Adds a key that is not there. */
  add(key: string, value: number): void {
    let map = this.#maps.find((one) => one.size < this.#keysPerMap);
    if (map === undefined) {
      map = new Map();
      this.#maps.push(map);
    }
    map.set(key, value);
  }

  delete(key: string): boolean {
    return this.#maps.some((map) => map.delete(key));
  }

  *entries(): Generator<[string, number]> {
    for (const map of this.#maps) yield* map;
  }
}
