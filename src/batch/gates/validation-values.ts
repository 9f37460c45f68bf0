import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { sqlString } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ProjectPlan, ServicePlan } from '../../plan/plan.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import type { EventRelations } from '../event-relations.ts';
import { buildTrainingSet } from '../training-set.ts';
import { columnStatistics } from './column-statistics.ts';
import { AT, entityOfView, type PlannedView, spineRelation } from './validation-spine.ts';

/** Before the names of features, which may be those of keys. */
export const PREFIX = 'f_';

/** What the values of two versions are computed from. */
export interface ValueTask {
  readonly after: PlannedView;
  /** What it is compared with; null: with its own values of the days before. */
  readonly before: PlannedView | null;
  readonly history: EventRelations;
  /** A folder of its own for files that are thrown away. */
  readonly folder: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number, phase: string) => void;
}

export interface ValueFiles {
  readonly after: string;
  readonly before: string | null;
}

/** Writes the features of each version for all keys at each time. */
export async function valuesOf(
  session: DuckDbSession,
  task: ValueTask,
  timesMs: readonly number[],
  share: number,
  from: number,
): Promise<ValueFiles> {
  const write = async (one: PlannedView, name: string, done: number): Promise<string> => {
    const out = join(task.folder, name);
    const plan = planOfView(one);
    await buildTrainingSet({
      plan,
      service: SERVICE,
      history: task.history,
      spine: { relation: spineRelation(timesMs) },
      time: AT,
      out,
      prefix: PREFIX,
      clock: task.clock,
      session,
      ...(task.signal === undefined ? {} : { signal: task.signal }),
      onProgress: (progress) =>
        task.onProgress?.(from + share * (done + progress.share / 2), progress.phase),
    });
    return out;
  };
  const after = await write(task.after, 'after.parquet', 0);
  const before = task.before === null ? null : await write(task.before, 'before.parquet', 0.5);
  return { after, before };
}

const SERVICE = 'asof_validation';

/** The plan with one service of all of the view's features. */
function planOfView({ plan, view }: PlannedView): ProjectPlan {
  const joinKeys = entityOfView({ plan, view })?.joinKeys ?? [];
  const service: ServicePlan = {
    name: SERVICE,
    version: 1,
    features: view.features.map(({ name, type }) => {
      return { name, view: view.name, version: view.version, feature: name, type };
    }),
    joinKeys: joinKeys.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    request: [],
    onDemand: [],
    functions: [],
    hash: '',
    meta: view.meta,
  };
  return { ...plan, services: [service] };
}

export function valuesAt(file: string, timeMs: number): string {
  return `(SELECT * FROM read_parquet(${sqlString(file)}) WHERE ${AT} = ${timeMs})`;
}

export async function statisticsAt(
  session: DuckDbSession,
  file: string,
  timeMs: number,
): Promise<ColumnStatistics[]> {
  const found = await columnStatistics(session, valuesAt(file, timeMs));
  return found
    .filter(({ name }) => name.startsWith(PREFIX))
    .map((column) => ({ ...column, name: column.name.slice(PREFIX.length) }));
}
