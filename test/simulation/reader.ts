import type { Random } from '../../src/base/random.ts';
import type { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from '../conformance/answers.ts';
import { keyOf } from '../conformance/keys.ts';
import { Tally } from '../conformance/tally.ts';
import type { Problems } from './problems.ts';
import type { Server } from './server.ts';
import type { Truth } from './truth.ts';

/** Asks for features and holds every answer to the oracle, at its own time and position. */
export class Reader {
  answers = 0;
  readonly #random: Random;
  readonly #truth: Truth;
  readonly #problems: Problems;
  readonly #tally = new Tally();
  #oracle: PlatformOracle | null = null;
  /** Of the present process: within one, time does not run back. */
  #lastMs = 0;

  constructor(random: Random, truth: Truth, problems: Problems) {
    this.#random = random;
    this.#truth = truth;
    this.#problems = problems;
  }

  /** A process begins, under the plan of the oracle. */
  begin(oracle: PlatformOracle): void {
    this.#oracle = oracle;
    this.#lastMs = 0;
  }

  ask(server: Server): void {
    const oracle = this.#oracle;
    if (oracle === null) return;
    const random = this.#random;
    const service = serviceOf(server.plan);
    const keys = Array.from({ length: 1 + random.below(3) }, () => {
      const isKnown = random.below(3) > 0;
      const event = isKnown ? oracle.events[random.below(oracle.events.length)] : undefined;
      return keyOf(random, server.plan, service, event ?? null);
    });
    const answer = server.get(keys);
    this.answers += 1;
    const { commit } = answer.position;
    if (commit > this.#truth.lastCommit) this.#problems.report(`${commit} is not durable`);
    if (answer.asOfMs < this.#lastMs) this.#problems.report('time ran back in answers');
    this.#lastMs = answer.asOfMs;
    checkAnswer(this.#tally, 'stream', oracle, answer, keys);
    for (const mismatch of this.#tally.takeMismatches()) this.#problems.report(mismatch);
  }
}
