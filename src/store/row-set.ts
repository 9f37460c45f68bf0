/** A set of rows as flags: cheap to add to, handed over as a whole. */
export class RowSet {
  /** By row; replaced by `cover` and `take`. Hot loops read it directly. */
  flags = new Uint8Array(0);
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
    this.#size += 1;
  }

  /** Empties the set; the flags it had are the caller's. Costs no walk over the rows. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.flags;
    this.flags = new Uint8Array(taken.length);
    this.#size = 0;
    return taken;
  }
}
