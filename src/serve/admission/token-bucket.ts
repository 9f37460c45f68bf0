/**
 * What may be spent: so much a second, and what was not spent for a while at once. What is larger
 * than all that can be saved up waits until that is there and leaves a debt, so that nothing is
 * refused for ever; what is measured only afterwards may leave one too.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #most: number;
  #level: number;
  #atMs: number;

  /** @param atMs by the clock of all later calls, in ms, whose start is arbitrary */
  constructor(perSecond: number, burstSeconds: number, atMs: number) {
    this.#perMs = perSecond / 1000;
    this.#most = perSecond * burstSeconds;
    this.#level = this.#most;
    this.#atMs = atMs;
  }

  has(amount: number, atMs: number): boolean {
    this.#refill(atMs);
    return this.#level >= Math.min(amount, this.#most);
  }

  /** Also more than there is; a negative amount gives back. */
  take(amount: number): void {
    this.#level = Math.min(this.#most, this.#level - amount);
  }

  /** How long until `has` says so, if nothing is taken meanwhile; in ms, 0 if it does already. */
  waitMs(amount: number, atMs: number): number {
    this.#refill(atMs);
    return Math.max(0, Math.min(amount, this.#most) - this.#level) / this.#perMs;
  }

  #refill(atMs: number): void {
    // Time that runs back gives nothing, and takes nothing.
    if (atMs <= this.#atMs) return;
    this.#level = Math.min(this.#most, this.#level + (atMs - this.#atMs) * this.#perMs);
    this.#atMs = atMs;
  }
}
