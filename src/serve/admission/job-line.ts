/** First in, first out; the newest can be taken back, and what is over is taken out as a whole. */
export class JobLine<J> {
  #jobs: J[] = [];
  #head = 0;

  get length(): number {
    return this.#jobs.length - this.#head;
  }

  push(job: J): void {
    this.#jobs.push(job);
  }

  /** Before all others. */
  unshift(job: J): void {
    if (this.#head > 0) {
      this.#head -= 1;
      this.#jobs[this.#head] = job;
    } else this.#jobs.unshift(job);
  }

  shift(): J | undefined {
    if (this.#head === this.#jobs.length) return undefined;
    const job = this.#jobs[this.#head];
    this.#head += 1;
    // Moved down now and then, so that what was taken is not held.
    if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#jobs.length) {
      this.#jobs = this.#jobs.slice(this.#head);
      this.#head = 0;
    }
    return job;
  }

  pop(): J | undefined {
    return this.length === 0 ? undefined : this.#jobs.pop();
  }

  /** Takes out those that are over, oldest first. */
  takeOut(isOver: (job: J) => boolean): J[] {
    const all = this.#jobs.slice(this.#head);
    const over = all.filter(isOver);
    if (over.length > 0) {
      this.#jobs = all.filter((job) => !isOver(job));
      this.#head = 0;
    }
    return over;
  }
}

const COMPACT_FROM = 64;
