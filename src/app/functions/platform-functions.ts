import { systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { seededRandom } from '../../base/random.ts';
import { processTimers } from '../../base/timers.ts';
import type { FunctionsStatus } from '../../monitor/function-status.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { namespaceOf } from '../../schema/types.ts';
import { FunctionAnswers } from '../../serve/functions/function-answers.ts';
import { FunctionSandbox } from './function-sandbox.ts';

/** The functions of what is served: their processes, and what is kept of their answers. */
export class PlatformFunctions {
  readonly sandbox: FunctionSandbox;
  readonly answers: FunctionAnswers;
  /** Told what a namespace spent in processes of functions; to be set by who holds it to a quota. */
  charge: (namespace: string, cpuMs: number) => void = () => {};
  #placed: readonly { readonly service: string; readonly digest: string }[] = [];

  constructor(logger: Logger) {
    this.sandbox = newSandbox(logger);
    this.answers = new FunctionAnswers(this.sandbox, systemClock, processTimers);
    this.sandbox.onSpent = ({ digest }, cpuMs) => this.#share(digest, cpuMs);
  }

  /** Calls of one function are made together, whoever asked: those who have it share the bill. */
  #share(digest: string, cpuMs: number): void {
    const have = this.#placed.filter((one) => one.digest === digest);
    const namespaces = new Set(have.map(({ service }) => namespaceOf(service)));
    for (const namespace of namespaces) this.charge(namespace, cpuMs / namespaces.size);
  }

  /** Processes are started once there is a function, and before somebody asks for it. */
  use({ services }: ProjectPlan): void {
    const placed = services.flatMap(({ name, functions = [] }) =>
      functions.map(({ digest }) => ({ service: name, digest })),
    );
    // Versions of one service that have the same function count it once.
    this.#placed = [
      ...new Map(placed.map((one) => [`${one.digest} ${one.service}`, one])).values(),
    ];
    this.sandbox.use(services.flatMap(({ functions = [] }) => functions));
  }

  /** For the platform's status: nothing where there are no functions. */
  status(): { readonly functions?: FunctionsStatus } {
    if (this.#placed.length === 0) return {};
    const { answers, sandbox } = this;
    const totals = new Map(sandbox.totals().map((one) => [one.digest, one]));
    return {
      functions: {
        functions: this.#placed.flatMap(({ service, digest }) => {
          const one = totals.get(digest);
          if (one === undefined) return [];
          const { name, version, calls, errors, timeouts, lastFailure, isLeftAlone } = one;
          const counts = { calls, errors, timeouts, lastFailure, isLeftAlone };
          return [{ service, name, version, ...counts }];
        }),
        cacheHits: answers.hits,
        shared: answers.shared,
        cached: answers.size,
        processesEnded: sandbox.processesEnded,
      },
    };
  }

  close(): void {
    this.sandbox.close();
  }
}

/** Without processes until a function is run. */
export function newSandbox(logger: Logger, breaks = true): FunctionSandbox {
  const random = seededRandom(systemClock.nowMs() >>> 0);
  const timers = processTimers;
  return new FunctionSandbox({ clock: systemClock, timers, random, logger, breaks });
}
