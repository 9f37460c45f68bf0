/** No row lies at the first place of a segment. */
export const NOWHERE = 0;

/** By row in memory: where it lies on disk, where it is being saved, and whether it was used. */
export class SavedPlaces {
  #at = new Uint32Array(0);
  #saving = new Uint32Array(0);
  #used = new Uint8Array(0);
  /** Rows that lie on disk. */
  count = 0;

  get bytes(): number {
    return this.#at.length * 9;
  }

  /** Makes room for rows below `bound`. */
  cover(bound: number): void {
    if (bound <= this.#at.length) return;
    const size = Math.max(bound, this.#at.length * 2, 256);
    const at = new Uint32Array(size);
    at.set(this.#at);
    this.#at = at;
    const saving = new Uint32Array(size);
    saving.set(this.#saving);
    this.#saving = saving;
    const used = new Uint8Array(size);
    used.set(this.#used);
    this.#used = used;
  }

  at(row: number): number {
    return this.#at[row] ?? NOWHERE;
  }

  use(row: number): void {
    this.#used[row] = 1;
  }

  /** The row has come from disk, where it may be on the way to another place. */
  restore(row: number, location: number, saving: number): void {
    this.#at[row] = location;
    this.#saving[row] = saving;
    this.count += 1;
  }

  saving(row: number, location: number): void {
    this.#saving[row] = location;
  }

  isSaving(row: number, location: number): boolean {
    return this.#saving[row] === location;
  }

  settle(row: number, location: number): boolean {
    if (!this.isSaving(row, location)) return false;
    if (this.#at[row] === NOWHERE) this.count += 1;
    this.#at[row] = location;
    this.#saving[row] = NOWHERE;
    return true;
  }

  giveUp(row: number, location: number): void {
    if (this.isSaving(row, location)) this.#saving[row] = NOWHERE;
  }

  /** Whether the row lies on disk, and was not used since this was last asked of it. */
  isSpillable(row: number): boolean {
    const wasUsed = this.#used[row] === 1;
    this.#used[row] = 0;
    return !wasUsed && this.#at[row] !== NOWHERE && this.#saving[row] === NOWHERE;
  }

  forget(row: number): void {
    if (this.#at[row] !== NOWHERE) this.count -= 1;
    this.#at[row] = NOWHERE;
    this.#saving[row] = NOWHERE;
    this.#used[row] = 0;
  }
}
