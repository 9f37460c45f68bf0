/**
 * Tells whether what was read of a row is still so. A row's number may be given out again; its
 * version then differs too. Versions wrap after 2^32 changes between two looks, which no reader's
 * patience allows.
 */
export class RowVersions {
  /** Changes of each row; the array is another one after a row is created. */
  ofRow = new Uint32Array(64);
  /** Changes whenever a row comes or goes: until then an unknown key stays unknown. */
  membership = 0;

  of(row: number): number {
    return this.ofRow[row] ?? 0;
  }

  /** The row has other contents now. */
  bump(row: number): void {
    this.ofRow[row] = (this.ofRow[row] ?? 0) + 1;
  }

  /** The row has just been created, or is about to be freed. */
  comeOrGo(row: number): void {
    if (row >= this.ofRow.length) {
      const grown = new Uint32Array(Math.max(row + 1, this.ofRow.length * 2));
      grown.set(this.ofRow);
      this.ofRow = grown;
    }
    this.bump(row);
    this.membership += 1;
  }
}
