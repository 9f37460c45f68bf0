/** Sums over prefixes of an array of whole numbers, each change and question in logarithmic time. */
export class Fenwick {
  #sums = new Float64Array(0);
  #size = 0;
  #highest = 0;
  total = 0;

  /** Makes it one of `size` zeros. */
  reset(size: number): void {
    if (this.#sums.length <= size) this.#sums = new Float64Array(Math.max(64, size * 2));
    else this.#sums.fill(0, 0, size + 1);
    this.#size = size;
    this.#highest = size === 0 ? 0 : 2 ** Math.floor(Math.log2(size));
    this.total = 0;
  }

  add(at: number, change: number): void {
    const sums = this.#sums;
    for (let i = at + 1; i <= this.#size; i += i & -i) sums[i] = (sums[i] as number) + change;
    this.total += change;
  }

  /** The sum of the first `count` numbers. */
  prefix(count: number): number {
    let sum = 0;
    for (let i = count; i > 0; i -= i & -i) sum += this.#sums[i] as number;
    return sum;
  }

  /** Where the sums from the left first reach `target`; -1 where they never do. No number is negative. */
  reaches(target: number): number {
    if (target > this.total) return -1;
    let at = 0;
    let left = target;
    for (let step = this.#highest; step >= 1; step /= 2) {
      const next = at + step;
      if (next > this.#size) continue;
      const sum = this.#sums[next] as number;
      if (sum >= left) continue;
      at = next;
      left -= sum;
    }
    return at;
  }
}
