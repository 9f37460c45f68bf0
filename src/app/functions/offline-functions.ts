import { silentLogger } from '../../base/logger.ts';
import type { TrainingOptions, TrainingReport } from '../../batch/training-options.ts';
import { buildTrainingSet } from '../../batch/training-set.ts';
import type { FunctionRunner } from '../../plan/function-runner.ts';
import { newSandbox } from './platform-functions.ts';

/**
 * Runs functions for work that ends: no function is left alone for a while, as that would leave out
 * rows that it can be computed for.
 */
export async function withFunctions<T>(
  work: (functions: FunctionRunner) => Promise<T>,
): Promise<T> {
  const functions = newSandbox(silentLogger, false);
  try {
    return await work(functions);
  } finally {
    functions.close();
  }
}

/** A training set of any service, with functions or without. */
export function trainWithFunctions(options: TrainingOptions): Promise<TrainingReport> {
  return withFunctions((functions) => buildTrainingSet({ ...options, functions }));
}
