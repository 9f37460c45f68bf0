import { resolve } from 'node:path';
import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { DatasetPlan, ProjectPlan, SpinePlan } from '../plan/plan.ts';
import type { SpineSource } from './spines/spine-input.ts';
import type { TrainingOptions } from './training-options.ts';

/**
 * The dataset that `name` or `name@version` means: without a version the newest one.
 * @throws AsofError `unknown_name`
 */
export function findDatasetPlan(plan: ProjectPlan, reference: string): DatasetPlan {
  const [name = '', version] = reference.split('@');
  const versions = plan.datasets.filter((one) => one.name === name);
  const found =
    version === undefined
      ? versions.toSorted((a, b) => b.version - a.version)[0]
      : versions.find((one) => String(one.version) === version);
  if (found !== undefined) return found;
  const known = plan.datasets.map((one) => `${one.name}@${one.version}`);
  const meant = didYouMean(reference, [...known, ...plan.datasets.map((one) => one.name)]);
  throw new AsofError('unknown_name', `No dataset is named '${reference}'.${meant}`, {
    remedy: known.length === 0 ? 'Define one with dataset() and apply it.' : 'Check the spelling.',
  });
}

/** What a dataset's definition says of its training set; files are relative to the project's folder. */
export function datasetTraining(
  dataset: DatasetPlan,
  folder: string,
): Pick<
  TrainingOptions,
  'service' | 'version' | 'spine' | 'time' | 'labels' | 'known' | 'servingDelayMs' | 'statuses'
> {
  const { spine, service, serviceVersion, labels, known, servingDelayMs, statuses } = dataset;
  const time = spine.kind === 'events' ? null : spine.time;
  return {
    service,
    version: serviceVersion,
    spine: spineSource(spine, folder),
    ...(time === null ? {} : { time }),
    ...{ labels, known, servingDelayMs, statuses },
  };
}

function spineSource(spine: SpinePlan, folder: string): SpineSource {
  switch (spine.kind) {
    case 'file':
      return { path: resolve(folder, spine.path) };
    case 'query':
      return { query: { sql: spine.sql, upstreams: spine.upstreams, files: {} } };
    default:
      return { events: spine };
  }
}
