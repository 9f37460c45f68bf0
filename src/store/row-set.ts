/** A set this dense is listed faster by a walk over all flags than by sorting. */
const DENSE_PART = 16;

/** A set of rows that is cheap to add to and lists its members in order of adding. */
export class RowSet {
  /** By row; grown with `cover`. Hot loops read it directly. */
  flags = new Uint8Array(0);
  #rows = new Int32Array(256);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Makes room for rows below `bound`. */
  cover(bound: number): void {
    if (bound <= this.flags.length) return;
    const grown = new Uint8Array(Math.max(bound, this.flags.length * 2, 256));
    grown.set(this.flags);
    this.flags = grown;
  }

  has(row: number): boolean {
    return this.flags[row] === 1;
  }

  add(row: number): void {
    if (this.flags[row] === 1) return;
    this.flags[row] = 1;
    if (this.#count === this.#rows.length) {
      const grown = new Int32Array(this.#rows.length * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows[this.#count++] = row;
  }

  /** Empties the set and returns what it held, ascending. */
  drain(): Int32Array {
    const { flags } = this;
    let rows = this.#rows.slice(0, this.#count);
    if (this.#count * DENSE_PART < flags.length) {
      rows.sort();
      for (const row of rows) flags[row] = 0;
    } else {
      rows = new Int32Array(this.#count);
      let at = 0;
      for (let row = 0; row < flags.length; row++) if (flags[row] === 1) rows[at++] = row;
      flags.fill(0);
    }
    this.#count = 0;
    return rows;
  }
}
