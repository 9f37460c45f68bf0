import { datasetTraining, findDatasetPlan } from '../batch/dataset-training.ts';
import { checkLeakage } from '../batch/leakage/check-leakage.ts';
import type { LeakFinding } from '../batch/leakage/finding.ts';
import type { LeakageOptions, LeakageReport } from '../batch/leakage/leakage-options.ts';
import { requireDatasetLabels } from './access/training-rights.ts';
import type { Config } from './config.ts';
import { withFunctions } from './functions/offline-functions.ts';
import { type TrainRequest, trainingOptions } from './offline.ts';
import { appliedPlan } from './project.ts';

export type { LeakageReport, LeakFinding };

type Looking = Pick<LeakageOptions, 'labelColumns' | 'labelTime'>;

/**
 * Looks for leaks in the training set that a request describes.
 * @throws AsofError as `trainProject`
 */
export async function checkProjectLeakage(
  config: Config,
  request: Omit<TrainRequest, 'out'>,
  looking: Looking,
): Promise<LeakageReport> {
  const { plan } = await appliedPlan(config);
  const options = await trainingOptions(config, { ...request, out: 'none.parquet' }, plan);
  return withFunctions((functions) => checkLeakage({ ...options, ...looking, functions }));
}

/**
 * The same for a defined dataset: its labels are looked at too.
 * @throws AsofError as `trainDefined`
 */
export async function checkDatasetLeakage(
  config: Config,
  reference: string,
  looking: Looking,
  watching: Pick<TrainRequest, 'signal' | 'onProgress'>,
): Promise<LeakageReport> {
  const { plan } = await appliedPlan(config);
  const definition = findDatasetPlan(plan, reference);
  requireDatasetLabels(config, plan, definition);
  const request = { ...datasetTraining(definition, config.root), ...watching };
  return checkProjectLeakage(config, request, looking);
}
