import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import {
  buildTrainingSet,
  type TrainingOptions,
  type TrainingReport,
} from '../batch/training-set.ts';
import { History } from '../ingest/history.ts';
import type { LogReader } from '../ingest/history-log.ts';
import { readSegments } from '../ingest/segment-reader.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { Config } from './config.ts';
import { appliedPlan } from './project.ts';

/** The schemas of a plan by source name. */
export function schemaLookup(plan: ProjectPlan): (source: string) => SourceSchema {
  const byName = new Map(plan.sources.map((source) => [source.name, source]));
  return (name) => {
    const schema = byName.get(name);
    if (schema === undefined) throw new AsofError('unknown_source', `No source '${name}'.`);
    return schema;
  };
}

/** The log's files as another process reads them. */
export function logReader(disk: NodeDisk, plan: ProjectPlan): LogReader {
  const byName = new Map(plan.sources.map((source) => [source.name, source]));
  return {
    lastCommit: () => {
      let last = 0;
      for (const batch of readSegments(disk, 0)) last = batch.commit;
      return last;
    },
    read: (afterCommit) => readSegments(disk, afterCommit, (source) => byName.get(source)),
  };
}

/** All events of a data directory at one cut, whether or not a server is running on it. */
export function openHistory(config: Config, plan: ProjectPlan): Promise<History> {
  return History.open({
    dataDir: config.dataDir,
    log: logReader(new NodeDisk(config.dataDir), plan),
    schemaOf: schemaLookup(plan),
  });
}

export function duckDbOptions(config: Config): {
  memoryBytes: number;
  spillFolder: string;
  threads: number;
} {
  return {
    memoryBytes: config.batchMemoryMiB * 1024 * 1024,
    spillFolder: join(config.dataDir, 'spill'),
    threads: config.threads,
  };
}

export type TrainRequest = Omit<
  TrainingOptions,
  'plan' | 'history' | 'clock' | 'duckdb' | 'spine'
> & {
  readonly spine: string;
};

/**
 * Builds a training set from a data directory, by the definitions that are applied in it.
 * @throws AsofError `not_applied`, `unknown_service`, `invalid_spine`, `column_collision`
 */
export async function trainProject(config: Config, request: TrainRequest): Promise<TrainingReport> {
  const { plan } = appliedPlan(config);
  return buildTrainingSet({
    ...request,
    plan,
    history: await openHistory(config, plan),
    spine: { path: request.spine },
    clock: systemClock,
    duckdb: duckDbOptions(config),
  });
}
