import { mkdirSync, rmSync } from 'node:fs';
import { extname, join } from 'node:path';
import { present } from '../base/assert.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { datasetTraining, findDatasetPlan } from '../batch/dataset-training.ts';
import { fileChecksum } from '../batch/datasets/content.ts';
import {
  addedStatistics,
  describeResult,
  type ResultDescription,
  spineStatistics,
} from '../batch/datasets/describe-result.ts';
import { type KeptSpine, keepSpine } from '../batch/datasets/kept-spine.ts';
import type { SpineSource } from '../batch/spines/spine-input.ts';
import type { TrainingOptions, TrainingReport } from '../batch/training-options.ts';
import { ArchiveFiles } from '../ingest/archive-files.ts';
import type { DatasetPlan, ProjectPlan } from '../plan/plan.ts';
import type { AuditNote } from '../registry/audit.ts';
import type { DatasetManifest, DatasetSpine } from '../registry/dataset-manifest.ts';
import type { DatasetClaim } from '../registry/datasets.ts';
import type { ColumnStatistics } from '../schema/column-statistics.ts';
import { namespaceOf, QUALIFIED_NAME_PATTERN } from '../schema/types.ts';
import { requireDatasetLabels } from './access/training-rights.ts';
import type { Config } from './config.ts';
import { unservedState } from './draft-training.ts';
import { trainWithFunctions } from './functions/offline-functions.ts';
import { type TrainRequest, trainingOptions } from './offline.ts';
import { packageVersion } from './package-version.ts';
import { appliedPlan } from './project.ts';
import { tellRun } from './tell-lineage.ts';
import { trainRun } from './told-runs.ts';
import { openRegistry } from './with-registry.ts';

export const DATASETS_FOLDER = 'datasets';

/** What is written down of a training set beside what it is built from. */
export interface DatasetRecord {
  readonly name: string;
  readonly author: string;
  /** Of the applied plan, by which the training set is built. */
  readonly generation: number;
  readonly definition: DatasetPlan | null;
  readonly spine: Pick<DatasetSpine, 'kind' | 'origin'>;
}

export interface RecordedTraining extends TrainingReport {
  readonly dataset: DatasetManifest;
}

/**
 * Builds a training set and records it as the next number of its name. The number is taken first,
 * so that housekeeping leaves alone what is read; the dataset exists once all of it is durable.
 * @throws AsofError as `buildTrainingSet`, `invalid_name`
 */
async function recordDataset(
  config: Config,
  record: DatasetRecord,
  options: TrainingOptions,
): Promise<RecordedTraining> {
  requireName(record.name);
  const registry = await openRegistry(config);
  const claim = await registry.datasets.begin({
    name: record.name,
    author: record.author,
    createdMs: systemClock.nowMs(),
    generation: record.generation,
    throughCommit: options.history.through,
  });
  try {
    const { service, version, out } = options;
    const told = trainRun(claim.name, { name: service, version }, out);
    const built = await tellRun(config, told, () => train(config, claim, options));
    const dataset = await manifestOf(config, record, claim, options, built);
    const { report } = built;
    await registry.transaction(async (within) => {
      await within.datasets.finish(dataset);
      await within.audit.append(recordedNote(dataset));
    });
    return { ...report, dataset };
  } catch (error) {
    await registry.datasets.abandon(claim.name, claim.number, systemClock.nowMs());
    rmSync(join(config.dataDir, datasetFolder(claim)), { recursive: true, force: true });
    throw error;
  } finally {
    await registry.close();
  }
}

/** A training set is what a model becomes: also that it was built on what waits for approval. */
function recordedNote({ name, number, author, service, notActive }: DatasetManifest): AuditNote {
  return {
    ...{ actor: author, action: 'datasets.record', namespace: namespaceOf(name) },
    ...{ target: `dataset ${name}@${number}`, outcome: 'done' },
    details: {
      service: `${service.name}@${service.version}`,
      ...(notActive === undefined ? {} : { notActive }),
    },
  };
}

/** As `trainProject`, recorded under a name. */
export async function trainDataset(
  config: Config,
  request: TrainRequest,
  named: Pick<DatasetRecord, 'name' | 'author'>,
): Promise<RecordedTraining> {
  const { plan, generation } = await appliedPlan(config);
  const options = await trainingOptions(config, request, plan);
  const spine = originOf(options.spine);
  return recordDataset(config, { ...named, generation, definition: null, spine }, options);
}

export interface DefinedTraining extends Pick<TrainRequest, 'signal' | 'onProgress' | 'draft'> {
  /** `name` or `name@version` of the definition. */
  readonly dataset: string;
  readonly out: string;
  readonly author: string;
}

/**
 * Builds the training set of a defined dataset and records it as the next number of its name.
 * @throws AsofError `not_applied`, `unknown_name`, as `recordDataset`
 */
export async function trainDefined(
  config: Config,
  { dataset: reference, author, ...asked }: DefinedTraining,
): Promise<RecordedTraining> {
  const { plan, generation } = await appliedPlan(config);
  const definition = findDatasetPlan(plan, reference);
  requireDatasetLabels(config, plan, definition);
  const request = { ...datasetTraining(definition, config.root), ...asked };
  const options = await trainingOptions(config, request, plan);
  const spine = originOf(options.spine);
  return recordDataset(
    config,
    { name: definition.name, author, generation, definition, spine },
    options,
  );
}

function originOf(spine: SpineSource): DatasetRecord['spine'] {
  if ('query' in spine) return { kind: 'query', origin: spine.query.sql };
  if ('events' in spine) return { kind: 'events', origin: spine.events.source };
  if ('kept' in spine) return { kind: 'file', origin: spine.kept.path };
  return { kind: 'file', origin: 'path' in spine ? spine.path : spine.relation };
}

export function datasetFolder({ name, number }: { name: string; number: number }): string {
  return `${DATASETS_FOLDER}/${name}/${number}`;
}

function requireName(name: string): void {
  if (QUALIFIED_NAME_PATTERN.test(name)) return;
  throw new AsofError('invalid_name', `'${name}' cannot be the name of a dataset.`);
}

interface Built {
  readonly report: TrainingReport;
  readonly kept: KeptSpine;
  readonly columns: readonly ColumnStatistics[];
  readonly result: ResultDescription;
}

async function train(
  config: Config,
  claim: DatasetClaim,
  options: TrainingOptions,
): Promise<Built> {
  const folder = datasetFolder(claim);
  const disk = new NodeDisk(config.dataDir);
  mkdirSync(join(config.dataDir, folder), { recursive: true });
  const run = options.signal === undefined ? {} : { signal: options.signal };
  const columns: ColumnStatistics[] = [];
  let kept: KeptSpine | null = null;
  let result: ResultDescription | null = null;
  const report = await trainWithFunctions({
    ...options,
    onSpine: async (session, spine) => {
      const path = join(config.dataDir, folder, 'spine.parquet');
      kept = await keepSpine(session, spine, path, run);
      columns.push(...(await spineStatistics(session, spine, run)));
    },
    onResult: async (session, relation) => {
      const { spine } = present<KeptSpine>(kept, 'the spine is read first');
      columns.push(...(await addedStatistics(session, relation, spine, run)));
      result = await describeResult(session, relation, run);
    },
  });
  const file = disk.openAppend(`${folder}/spine.parquet`);
  try {
    await file.sync();
  } finally {
    file.close();
  }
  for (const each of [folder, `${DATASETS_FOLDER}/${claim.name}`, DATASETS_FOLDER]) {
    disk.syncFolder(each);
  }
  return {
    report,
    columns,
    kept: present<KeptSpine>(kept, 'the spine that was read'),
    result: present<ResultDescription>(result, 'the result'),
  };
}

async function manifestOf(
  config: Config,
  record: DatasetRecord,
  claim: DatasetClaim,
  options: TrainingOptions,
  { report, kept, columns, result }: Built,
): Promise<DatasetManifest> {
  const { sha256, bytes } = await fileChecksum(options.out);
  const { contentChecksum, duckdb } = result;
  const { name, version, hash } = record.definition ?? {};
  const unserved = await unservedState(config, options.plan, report.service, report.version);
  return {
    name: claim.name,
    number: claim.number,
    createdMs: claim.createdMs,
    author: record.author,
    service: { name: report.service, version: report.version },
    ...(unserved === null ? {} : { notActive: unserved.state }),
    definition:
      name === undefined || version === undefined || hash === undefined
        ? null
        : { name, version, hash },
    generation: claim.generation,
    hashes: {
      ...hashesOf(options.plan, report.service, report.version),
      ...(hash === undefined ? {} : { [`dataset ${name}@${version}`]: hash }),
    },
    position: { commit: claim.throughCommit, archivedCommit: archivedCommitOf(config) },
    spine: await spineOf(config, record, claim, kept),
    options: {
      known: report.known,
      servingDelayMs: report.servingDelayMs,
      statuses: options.statuses === true,
      prefix: options.prefix ?? '',
      time: options.time ?? null,
      before: options.before === true,
      format: extname(options.out).toLowerCase(),
    },
    code: { asof: packageVersion(), duckdb },
    rows: report.rows,
    columns,
    output: { path: options.out, bytes, sha256 },
    contentChecksum,
  };
}

function archivedCommitOf(config: Config): number {
  return new ArchiveFiles(config.dataDir).archivedCommit();
}

async function spineOf(
  config: Config,
  { spine: { kind, origin } }: DatasetRecord,
  claim: DatasetClaim,
  { spine, table }: KeptSpine,
): Promise<DatasetSpine> {
  const path = `${datasetFolder(claim)}/spine.parquet`;
  const { sha256 } = await fileChecksum(join(config.dataDir, path));
  return { kind, origin, path, sha256, ...spine, table };
}

/** `view use@1` → hash, of all that the values of a service rest on. */
function hashesOf(plan: ProjectPlan, serviceName: string, version: number): Record<string, string> {
  const service = plan.services.find((one) => one.name === serviceName && one.version === version);
  if (service === undefined) return {};
  const hashes: Record<string, string> = { [`service ${serviceName}@${version}`]: service.hash };
  for (const output of service.features) {
    const view = plan.views.find(
      (one) => one.name === output.view && one.version === output.version,
    );
    if (view === undefined) continue;
    hashes[`view ${view.name}@${view.version}`] = view.hash;
    const entity = plan.entities.find((one) => one.name === view.entity);
    if (entity !== undefined) hashes[`entity ${entity.name}`] = entity.hash;
    addSource(plan, view.source, hashes);
  }
  return hashes;
}

/** A source, and if it is a table of a query, what that reads. */
function addSource(plan: ProjectPlan, name: string, hashes: Record<string, string>): void {
  const source = plan.sources.find((one) => one.name === name);
  if (source === undefined) return;
  const key = `${source.origin === null ? 'source' : 'table'} ${name}`;
  if (key in hashes) return;
  hashes[key] = source.hash;
  if (source.origin?.from.kind !== 'query') return;
  for (const upstream of Object.values(source.origin.from.upstreams)) {
    addSource(plan, upstream, hashes);
  }
}
