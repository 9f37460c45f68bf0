import { AsofError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { CrashError } from '../../src/testing/memory-disk.ts';
import { PlatformOracle } from '../../src/testing/platform-oracle.ts';
import { checkAnswer, serviceOf } from '../conformance/answers.ts';
import { sentRow } from '../conformance/generate-on-demand.ts';
import { keyOf } from '../conformance/keys.ts';
import { Tally } from '../conformance/tally.ts';
import type { Problems } from './problems.ts';
import type { Server } from './server.ts';
import type { Truth } from './truth.ts';

export interface ReaderOptions {
  readonly random: Random;
  readonly truth: Truth;
  readonly problems: Problems;
  readonly seen: (what: string) => void;
}

/** Asks for features and holds every answer to the oracle, at its own time and position. */
export class Reader {
  answers = 0;
  readonly #random: Random;
  readonly #truth: Truth;
  readonly #problems: Problems;
  readonly #seen: (what: string) => void;
  readonly #tally = new Tally();
  #oracle: PlatformOracle | null = null;
  /** Of the present process: within one, time does not run back. */
  #lastMs = 0;

  constructor({ random, truth, problems, seen }: ReaderOptions) {
    this.#random = random;
    this.#truth = truth;
    this.#problems = problems;
    this.#seen = seen;
  }

  /** A process begins. */
  begin(): void {
    this.#lastMs = 0;
  }

  /** Rows that are not in memory are read from the disk, which may fail: then there is no answer. */
  look(server: Server): void {
    try {
      this.#ask(server);
    } catch (error) {
      if (error instanceof CrashError) return;
      const code = error instanceof AsofError ? error.code : null;
      this.#seen(`a question without an answer: ${code}`);
      // A server that finds damage builds the state anew.
      if (code !== 'corrupt_state' && code !== 'disk_failed') throw error;
      return;
    }
    const { checkpointedCommit } = server.engine;
    if (checkpointedCommit <= this.#truth.lastCommit) return;
    this.#problems.report(`the state is at ${checkpointedCommit}, ahead of the log`);
  }

  #ask(server: Server): void {
    const oracle = this.#oracleOf(server.plan);
    const random = this.#random;
    const service = serviceOf(server.plan);
    const keys = Array.from({ length: 1 + random.below(3) }, () => {
      const isKnown = random.below(3) > 0;
      const event = isKnown ? oracle.events[random.below(oracle.events.length)] : undefined;
      return keyOf(random, server.plan, service, event ?? null);
    });
    const answer = server.get(keys.map((key) => sentRow(service, key)));
    this.answers += 1;
    const { commit } = answer.position;
    if (commit > this.#truth.lastCommit) this.#problems.report(`${commit} is not durable`);
    if (answer.asOfMs < this.#lastMs) this.#problems.report('time ran back in answers');
    this.#lastMs = answer.asOfMs;
    checkAnswer(this.#tally, 'stream', oracle, answer, keys);
    for (const mismatch of this.#tally.takeMismatches()) this.#problems.report(mismatch);
  }

  #oracleOf(plan: ProjectPlan): PlatformOracle {
    if (this.#oracle?.plan === plan) return this.#oracle;
    this.#oracle = new PlatformOracle(plan, this.#truth.events);
    return this.#oracle;
  }
}
