import { existsSync, renameSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { present } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { fileChecksum } from '../batch/datasets/content.ts';
import { describeResult, type ResultDescription } from '../batch/datasets/describe-result.ts';
import type { KeptSpine } from '../batch/datasets/kept-spine.ts';
import type { TrainingOptions } from '../batch/training-options.ts';
import { History } from '../ingest/history.ts';
import { segmentLog } from '../ingest/history-log.ts';
import type { LabelPlan, ProjectPlan } from '../plan/plan.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import { requireRecordedLabels } from './access/training-rights.ts';
import type { Config } from './config.ts';
import { forgottenOf } from './dataset-registry.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { trainWithFunctions } from './functions/offline-functions.ts';
import { schemaLookup } from './offline.ts';
import { packageVersion } from './package-version.ts';
import { withRegistry } from './with-registry.ts';

export interface RebuildOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: TrainingOptions['onProgress'];
  /** Builds what is left of a dataset from which people were removed. */
  readonly allowForgotten?: boolean;
}

export interface Rebuild {
  readonly dataset: DatasetManifest;
  readonly out: string;
  /**
   * `bytes`: the same file. `content`: the same values, written by another version. `reduced`: what
   * is left of it, as people were removed from it since.
   */
  readonly same: 'bytes' | 'content' | 'reduced';
  /** What differs between the versions then and now; empty where none does. */
  readonly versions: readonly string[];
}

/**
 * Builds a dataset again from its stored plan, its kept spine and the history through its commit,
 * and compares the result with what is written down of it. Only what is the same is put in place.
 * @throws AsofError `unknown_name`, `dataset_unavailable`, `rebuild_differs`, `dataset_forgotten`
 */
export async function rebuildDataset(
  config: Config,
  name: string,
  number: number | null,
  out: string | null,
  options: RebuildOptions = {},
): Promise<Rebuild> {
  const { dataset, plan } = await findDataset(config, name, number);
  const isReduced = await requireWhole(config, dataset, options);
  const target = out ?? dataset.output.path;
  const { format } = dataset.options;
  if (extname(target).toLowerCase() !== format) {
    throw new AsofError('usage', `${name}@${dataset.number} is a ${format} file.`, {
      remedy: `Give --out a name that ends in ${format}.`,
    });
  }
  if (out === null) await refuseOther(dataset);
  const aside = `${target}.rebuild${format}`;
  try {
    const found = await buildAgain(config, dataset, plan, aside, options);
    const { sha256 } = await fileChecksum(aside);
    const versions = versionChanges(dataset, found.duckdb);
    if (isReduced) {
      renameSync(aside, target);
      return { dataset, out: target, same: 'reduced', versions };
    }
    const same = sha256 === dataset.output.sha256 ? 'bytes' : 'content';
    const isSame = found.contentChecksum === dataset.contentChecksum;
    if (same === 'content' && (!isSame || versions.length === 0)) {
      const what = isSame ? 'has the same values in other bytes' : 'has other values';
      throw new AsofError('rebuild_differs', `${name}@${dataset.number}, built again, ${what}.`, {
        path: target,
        ...(versions.length === 0 ? {} : { remedy: `Changed since: ${versions.join(', ')}.` }),
      });
    }
    renameSync(aside, target);
    return { dataset, out: target, same, versions };
  } finally {
    rmSync(aside, { force: true });
  }
}

/** False: nobody was removed from it. @throws AsofError `dataset_forgotten` */
async function requireWhole(
  config: Config,
  { name, number }: DatasetManifest,
  { allowForgotten = false }: RebuildOptions,
): Promise<boolean> {
  const [first] = await forgottenOf(config, name, number);
  if (first === undefined || allowForgotten) return first !== undefined;
  throw new AsofError(
    'dataset_forgotten',
    `${name}@${number} cannot be built to the same bytes any more since ${first.forgotten}.`,
  );
}

/** What stands where the dataset was written may be a newer one, or somebody's work. */
async function refuseOther({ name, number, output }: DatasetManifest): Promise<void> {
  if (!existsSync(output.path)) return;
  const { sha256 } = await fileChecksum(output.path);
  if (sha256 === output.sha256) return;
  throw new AsofError('usage', `${output.path} is there, and is not ${name}@${number}.`, {
    path: output.path,
    remedy: 'Name another file with --out.',
  });
}

export function findDataset(
  config: Config,
  name: string,
  number: number | null,
): Promise<{ readonly dataset: DatasetManifest; readonly plan: ProjectPlan }> {
  return withRegistry(config, async (registry) => {
    const dataset = await registry.datasets.get(name, number);
    const plan = await registry.planOf(dataset.generation);
    requireRecordedLabels(config, plan, dataset);
    return { dataset, plan };
  });
}

/** Writes a dataset's rows once more; `change` replaces what the kept spine is shown as. */
export async function buildAgain(
  config: Config,
  dataset: DatasetManifest,
  plan: ProjectPlan,
  out: string,
  { signal, onProgress }: RebuildOptions,
  shownAs: DatasetManifest['spine']['kept'] = dataset.spine.kept,
): Promise<ResultDescription> {
  const { service, options } = dataset;
  let found: ResultDescription | null = null;
  await trainWithFunctions({
    plan,
    service: service.name,
    version: service.version,
    history: await historyOf(config, dataset, plan),
    spine: { kept: await keptSpine(config, dataset, shownAs) },
    out,
    known: options.known,
    servingDelayMs: options.servingDelayMs,
    prefix: options.prefix,
    statuses: options.statuses,
    before: options.before,
    labels: labelsOf(dataset, plan),
    clock: systemClock,
    duckdb: duckDbOptions(config),
    onResult: async (session, relation) => {
      found = await describeResult(session, relation);
    },
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return present<ResultDescription>(found, 'the result');
}

/** The labels of the definition that a dataset was built from; the plan of then has it. */
function labelsOf({ definition }: DatasetManifest, plan: ProjectPlan): readonly LabelPlan[] {
  if (definition === null) return [];
  const { name, version } = definition;
  return plan.datasets.find((one) => one.name === name && one.version === version)?.labels ?? [];
}

async function historyOf(
  config: Config,
  { name, number, position }: DatasetManifest,
  plan: ProjectPlan,
): Promise<History> {
  const history = await History.open({
    dataDir: config.dataDir,
    log: segmentLog(new NodeDisk(config.dataDir)),
    schemaOf: schemaLookup(plan),
    throughCommit: position.commit,
  });
  if (history.through === position.commit) return history;
  throw new AsofError(
    'dataset_unavailable',
    `${name}@${number} was built through commit ${position.commit}, but the history ends at ` +
      `${history.through}.`,
    { remedy: 'Restore archive and log from a copy.' },
  );
}

async function keptSpine(
  config: Config,
  { name, number, spine }: DatasetManifest,
  shownAs: DatasetManifest['spine']['kept'],
): Promise<KeptSpine> {
  const path = join(config.dataDir, spine.path);
  const isThere = existsSync(path) && (await fileChecksum(path)).sha256 === spine.sha256;
  if (!isThere) {
    throw new AsofError('dataset_unavailable', `The spine of ${name}@${number} is damaged.`, {
      path,
      remedy: 'Restore it from a copy.',
    });
  }
  const { columns, timeColumn, rows, nullKeys, nullTimes, table } = spine;
  return { path, table, spine: { columns, timeColumn, rows, nullKeys, nullTimes, kept: shownAs } };
}

function versionChanges({ code }: DatasetManifest, duckdb: string): string[] {
  const asof = packageVersion();
  return [
    ...(code.asof === asof ? [] : [`asof ${code.asof} → ${asof}`]),
    ...(code.duckdb === duckdb ? [] : [`DuckDB ${code.duckdb} → ${duckdb}`]),
  ];
}
