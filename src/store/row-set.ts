/** A set of rows, cheap to add to; handing it over costs what is in it, whatever the rows. */
export class RowSet {
  /** By row; replaced by `cover`. Hot loops read it directly. */
  flags = new Uint8Array(0);
  #rows = new Int32Array(64);
  #size = 0;

  get size(): number {
    return this.#size;
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
    if (this.#size === this.#rows.length) {
      const grown = new Int32Array(this.#size * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows[this.#size++] = row;
  }

  /** At most so many rows, the newest; the others stay. */
  takeSome(limit: number): Int32Array {
    if (limit >= this.#size) return this.take();
    const taken = this.#rows.slice(this.#size - limit, this.#size);
    for (const row of taken) this.flags[row] = 0;
    this.#size -= limit;
    return taken;
  }

  /** Empties the set; the rows that it had, in the order of their coming, are the caller's. */
  take(): Int32Array {
    const taken = this.#rows.slice(0, this.#size);
    for (const row of taken) this.flags[row] = 0;
    if (this.#rows.length > 4096) this.#rows = new Int32Array(64);
    this.#size = 0;
    return taken;
  }
}
