/**
 * Lets calls through while it is open. Closing it waits for those inside and holds back those that
 * come, so that what they use can be exchanged under them.
 */
export class Gate {
  #closed: Promise<void> | null = null;
  #inside = 0;
  #onEmpty: (() => void) | null = null;

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.#closed !== null) await this.#closed;
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) this.#onEmpty?.();
    }
  }

  /** Runs `exchange` while nobody is inside; one at a time. */
  async whileClosed<T>(exchange: () => Promise<T>): Promise<T> {
    while (this.#closed !== null) await this.#closed;
    let open = (): void => {};
    this.#closed = new Promise((resolve) => {
      open = resolve;
    });
    try {
      if (this.#inside > 0) {
        await new Promise<void>((resolve) => {
          this.#onEmpty = resolve;
        });
      }
      return await exchange();
    } finally {
      this.#onEmpty = null;
      this.#closed = null;
      open();
    }
  }
}
