import type { Life } from '../../src/testing/simulated-time.ts';
import type { Machine } from './machine.ts';

interface Round {
  readonly periodMs: number;
  readonly work: () => unknown;
}

/** Rounds until one waits for something to do: an idle server would only count seconds. */
const ROUNDS = 3;

/** What a server does at intervals. */
export class Rounds {
  readonly #machine: Pick<Machine, 'time' | 'random'>;
  readonly #life: Life;
  readonly #rounds: readonly Round[];
  readonly #left: number[];
  #isStopped = false;

  constructor(machine: Pick<Machine, 'time' | 'random'>, life: Life, rounds: readonly Round[]) {
    this.#machine = machine;
    this.#life = life;
    this.#rounds = rounds;
    this.#left = rounds.map(() => 0);
  }

  /** There is something to do. */
  wake(): void {
    this.#rounds.forEach((round, at) => {
      const isWaiting = (this.#left[at] ?? 0) > 0;
      this.#left[at] = ROUNDS;
      if (!isWaiting) this.#wait(round, at);
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  #wait(round: Round, at: number): void {
    const { time, random } = this.#machine;
    time.after(1 + random.below(round.periodMs), this.#life, () => {
      if (this.#isStopped) return;
      round.work();
      const left = (this.#left[at] ?? 0) - 1;
      this.#left[at] = left;
      if (left > 0) this.#wait(round, at);
    });
  }
}
