import { systemClock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { seededRandom } from '../../base/random.ts';
import { processTimers } from '../../base/timers.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { FunctionAnswers } from '../../serve/functions/function-answers.ts';
import { FunctionSandbox } from './function-sandbox.ts';

/** The functions of what is served: their processes, and what is kept of their answers. */
export class PlatformFunctions {
  readonly sandbox: FunctionSandbox;
  readonly answers: FunctionAnswers;

  constructor(logger: Logger) {
    this.sandbox = newSandbox(logger);
    this.answers = new FunctionAnswers(this.sandbox, systemClock, processTimers);
  }

  /** Processes are started once there is a function, and before somebody asks for it. */
  use({ services }: ProjectPlan): void {
    this.sandbox.use(services.flatMap(({ functions = [] }) => functions));
  }

  close(): void {
    this.sandbox.close();
  }
}

/** Without processes until a function is run. */
function newSandbox(logger: Logger, breaks = true): FunctionSandbox {
  const random = seededRandom(systemClock.nowMs() >>> 0);
  const timers = processTimers;
  return new FunctionSandbox({ clock: systemClock, timers, random, logger, breaks });
}

/**
 * Runs functions for work that ends: no function is left alone for a while, as that would leave out
 * rows that it can be computed for.
 */
export async function withFunctions<T>(
  logger: Logger,
  work: (functions: FunctionSandbox) => Promise<T>,
): Promise<T> {
  const functions = newSandbox(logger, false);
  try {
    return await work(functions);
  } finally {
    functions.close();
  }
}
