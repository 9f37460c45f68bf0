import { AsofError } from '../base/errors.ts';

/** Bytes that requests hold until they are answered; beyond the limit they are sent away. */
export class ByteBudget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws AsofError `overloaded` if so many bytes more would be too many */
  require(bytes: number): void {
    if (this.#held === 0 || this.#held + bytes <= this.#limit) return;
    throw new AsofError(
      'overloaded',
      `Requests of ${this.#held} bytes wait already; with this one they would exceed ${this.#limit}.`,
    );
  }

  /** Holds the bytes while the work lasts. @throws AsofError `overloaded`, before it begins */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.require(bytes);
    this.take(bytes);
    try {
      return await work();
    } finally {
      this.give(bytes);
    }
  }

  /** Holds so many bytes more, until they are given back. */
  take(bytes: number): void {
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}
