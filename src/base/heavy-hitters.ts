/** A key that takes a large share of the events. */
export interface HeavyHitter {
  readonly id: number;
  /** Of the events seen lately, at least this share and at most `atMost` had the key. */
  readonly atLeast: number;
  readonly atMost: number;
}

/**
 * Finds the keys of most events in bounded memory, by the rule of Misra and Gries: with c counters,
 * a key of more than 1/(c + 1) of the events is always among those kept, and no count is too low
 * by more than that share. Old events fade: after `halfLife` of them all counts are halved.
 */
export class HeavyHitters {
  readonly #capacity: number;
  readonly #halfLife: number;
  readonly #counts = new Map<number, number>();
  /** What has been taken off every count that is kept, and off those that are not. */
  #taken = 0;
  #seen = 0;
  #sinceHalved = 0;

  constructor(capacity: number, halfLife: number) {
    this.#capacity = capacity;
    this.#halfLife = halfLife;
  }

  /** Events that the shares are of; old ones count less. */
  get seen(): number {
    return this.#seen;
  }

  add(id: number): void {
    this.#seen += 1;
    this.#sinceHalved += 1;
    const count = this.#counts.get(id);
    if (count !== undefined) this.#counts.set(id, count + 1);
    else if (this.#counts.size < this.#capacity) this.#counts.set(id, 1);
    else this.#takeOne();
    if (this.#sinceHalved >= this.#halfLife) this.#halve();
  }

  /** The number may be somebody else's from now on. */
  forget(id: number): void {
    this.#counts.delete(id);
  }

  /** Keys whose share may be at least `share`, the greatest first. */
  above(share: number): HeavyHitter[] {
    const seen = Math.max(1, this.#seen);
    const found: HeavyHitter[] = [];
    for (const [id, count] of this.#counts) {
      const atMost = Math.min(1, (count + this.#taken) / seen);
      if (atMost >= share) found.push({ id, atLeast: count / seen, atMost });
    }
    return found.sort((a, b) => b.atLeast - a.atLeast || a.id - b.id);
  }

  #takeOne(): void {
    this.#taken += 1;
    for (const [id, count] of this.#counts) {
      if (count <= 1) this.#counts.delete(id);
      else this.#counts.set(id, count - 1);
    }
  }

  #halve(): void {
    this.#sinceHalved = 0;
    this.#seen /= 2;
    this.#taken /= 2;
    for (const [id, count] of this.#counts) {
      if (count <= 1) this.#counts.delete(id);
      else this.#counts.set(id, count / 2);
    }
  }
}
