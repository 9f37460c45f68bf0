/** The share of nulls among the last rows; judged once there are enough of them. */
export class NullShare {
  /** The greatest share that is expected, in [0, 1]. */
  readonly most: number;
  readonly #ring: Uint8Array;
  readonly #least: number;
  #seen = 0;
  #nulls = 0;

  /** @param rows how many of the last rows count; @param least how many there must be to judge */
  constructor(most: number, rows: number, least: number) {
    this.most = most;
    this.#ring = new Uint8Array(rows);
    this.#least = least;
  }

  add(isNull: boolean): void {
    const at = this.#seen % this.#ring.length;
    if (this.#seen >= this.#ring.length) this.#nulls -= this.#ring[at] as number;
    this.#ring[at] = isNull ? 1 : 0;
    this.#nulls += isNull ? 1 : 0;
    this.#seen += 1;
  }

  get share(): number {
    const counted = Math.min(this.#seen, this.#ring.length);
    return counted === 0 ? 0 : this.#nulls / counted;
  }

  get fits(): boolean {
    return this.#seen < this.#least || this.share <= this.most;
  }
}
