import { AsofError } from '../../base/errors.ts';
import { type DuckDbOptions, DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ColumnStatistics } from '../../schema/column-statistics.ts';
import { typeText } from '../../schema/types.ts';
import { type ComparedRows, compareRows } from './compare-rows.ts';
import { type Finding, judgeColumn, type Verdict, verdictOf } from './judge.ts';
import { type LearnedColumn, learn } from './learn.ts';
import {
  arrivalSpan,
  createKeys,
  entityOfView,
  lookTimes,
  type PlannedView,
} from './validation-spine.ts';
import {
  PREFIX,
  statisticsAt,
  type ValueFiles,
  type ValueTask,
  valuesAt,
  valuesOf,
} from './validation-values.ts';

export interface ValidationTask extends ValueTask {
  /** The time of the values; by default the newest arrival. */
  readonly atMs: number | null;
  /** Keys that are looked at first. */
  readonly sample: number;
  /** Then all of them, unless the sample fails. */
  readonly full: boolean;
  readonly duckdb: DuckDbOptions;
}

export interface ViewValidation extends Verdict {
  readonly view: string;
  readonly against: string | null;
  readonly hash: string;
  readonly againstHash: string | null;
  readonly atMs: number | null;
  readonly throughCommit: number;
  /** Of the sample, then of all keys if they were asked for. */
  readonly stages: readonly ValidationStage[];
}

export interface ValidationStage extends Verdict {
  readonly of: 'sample' | 'all';
  readonly keys: number;
  readonly features: readonly FeatureComparison[];
  /** Values of the same keys at the same time, where there is something to compare with. */
  readonly rows: Omit<ComparedRows, 'columns'> | null;
}

export interface FeatureComparison {
  readonly name: string;
  readonly after: ColumnStatistics;
  readonly before: ColumnStatistics | null;
  readonly changes: ComparedRows['columns'][number] | null;
}

/** Days before the time that tell what is usual. */
const LEARNED_DAYS = 7;
/** Where more of the values change than this, somebody should have meant it. */
const CHANGED_SUSPICIOUS = 0.5;

/**
 * Compares a version of a view with another one, or with itself, on real keys: their values at one
 * time side by side, judged by what the view declares and by what the values of the version before
 * looked like over the last days.
 * @throws AsofError `usage` where the two have other keys
 */
export async function validateView(task: ValidationTask): Promise<ViewValidation> {
  const { after, before, history } = task;
  if (before !== null) requireSameKeys(after, before);
  const views = before === null ? [after] : [after, before];
  const session = await DuckDbSession.open(task.duckdb);
  try {
    const span = await arrivalSpan(session, history, views);
    const atMs = task.atMs ?? span?.newestMs ?? null;
    const nameOf = ({ view }: PlannedView): string => `${view.name}@${view.version}`;
    const stages: ValidationStage[] = [];
    if (atMs !== null && span !== null) {
      const times = lookTimes(atMs, LEARNED_DAYS, span.oldestMs);
      const learned = await sampleStage(session, task, views, times, stages);
      const isSound = stages.every((stage) => stage.result !== 'fail');
      if (task.full && isSound) await fullStage(session, task, views, atMs, learned, stages);
    }
    const findings = stages.at(-1)?.findings ?? [NOTHING_TO_COMPARE];
    return {
      view: nameOf(after),
      against: before === null ? null : nameOf(before),
      hash: after.view.hash,
      againstHash: before?.view.hash ?? null,
      atMs,
      throughCommit: history.through,
      stages,
      ...verdictOf(findings),
    };
  } finally {
    session.close();
  }
}

const NOTHING_TO_COMPARE: Finding = {
  result: 'warn',
  column: null,
  rule: 'rows',
  message: 'There are no events yet, so there was nothing to compare.',
};

function requireSameKeys(after: PlannedView, before: PlannedView): void {
  const textOf = (one: PlannedView): string =>
    (entityOfView(one)?.joinKeys ?? [])
      .map(({ name, type }) => `${name} ${typeText(type)}`)
      .join(', ');
  const [news, olds] = [textOf(after), textOf(before)];
  if (news === olds) return;
  throw new AsofError('usage', `The versions have other keys: ${olds}, and now ${news}.`, {
    remedy: 'Values of other keys cannot be compared; name another version with --against.',
  });
}

type Learned = ReadonlyMap<string, LearnedColumn>;

async function sampleStage(
  session: DuckDbSession,
  task: ValidationTask,
  views: readonly PlannedView[],
  times: readonly number[],
  stages: ValidationStage[],
): Promise<Learned> {
  const [atMs = 0] = times;
  const keys = await createKeys(session, task.history, views, atMs, task.sample);
  const files = await valuesOf(session, task, times, task.full ? 0.3 : 0.9, 0);
  const looksOf = async (file: string, of: readonly number[]): Promise<ColumnStatistics[][]> => {
    const looks: ColumnStatistics[][] = [];
    for (const timeMs of of) looks.push(await statisticsAt(session, file, timeMs));
    return looks;
  };
  const own = learn(await looksOf(files.after, times.slice(1)));
  // A feature that is new has its own past only.
  const learned =
    files.before === null ? own : new Map([...own, ...learn(await looksOf(files.before, times))]);
  stages.push(await stageOf(session, task, files, { of: 'sample', keys, atMs, learned }));
  return learned;
}

async function fullStage(
  session: DuckDbSession,
  task: ValidationTask,
  views: readonly PlannedView[],
  atMs: number,
  learned: Learned,
  stages: ValidationStage[],
): Promise<void> {
  const keys = await createKeys(session, task.history, views, atMs, null);
  const files = await valuesOf(session, task, [atMs], 0.6, 0.3);
  stages.push(await stageOf(session, task, files, { of: 'all', keys, atMs, learned }));
}

interface StageFacts {
  readonly of: 'sample' | 'all';
  readonly keys: number;
  readonly atMs: number;
  readonly learned: Learned;
}

async function stageOf(
  session: DuckDbSession,
  { after, before }: ValidationTask,
  files: ValueFiles,
  { of, keys, atMs, learned }: StageFacts,
): Promise<ValidationStage> {
  const now = await statisticsAt(session, files.after, atMs);
  const was = files.before === null ? [] : await statisticsAt(session, files.before, atMs);
  const common = now.map(({ name }) => name).filter((name) => was.some((one) => one.name === name));
  const joinKeys = (entityOfView(after)?.joinKeys ?? []).map(({ name }) => name);
  const rows =
    files.before === null
      ? null
      : await compareRows(
          session,
          valuesAt(files.before, atMs),
          valuesAt(files.after, atMs),
          joinKeys,
          common.map((name) => `${PREFIX}${name}`),
        );
  const features = now.map((column): FeatureComparison => {
    const changes = rows?.columns.find((one) => one.name === `${PREFIX}${column.name}`);
    return {
      name: column.name,
      after: column,
      before: was.find((one) => one.name === column.name) ?? null,
      changes: changes === undefined ? null : { ...changes, name: column.name },
    };
  });
  const findings = features.flatMap((feature) => findingsOf(feature, after, learned));
  if (before !== null) findings.push(...missingFeatures(after, before));
  const { columns: _, ...counts } = rows ?? { columns: [] };
  return {
    of,
    keys,
    features,
    rows: 'matched' in counts ? counts : null,
    ...verdictOf(findings),
  };
}

const NOTHING_DECLARED = {
  min: null,
  max: null,
  nullShareMax: null,
  distinctMin: null,
  medianFactorMax: null,
} as const;

function findingsOf(
  { name, after, changes }: FeatureComparison,
  { view }: PlannedView,
  learned: Learned,
): Finding[] {
  const declared = view.expectations[name] ?? NOTHING_DECLARED;
  const findings = judgeColumn(after, learned.get(name) ?? null, declared);
  const share = changes === null || after.rows === 0 ? 0 : changes.changed / after.rows;
  if (share > CHANGED_SUSPICIOUS) {
    const message = `${Math.round(share * 100)} % of the values of ${name} changed.`;
    findings.push({ result: 'warn', column: name, rule: 'changed', message });
  }
  return findings;
}

function missingFeatures({ view }: PlannedView, before: PlannedView): Finding[] {
  return before.view.features
    .filter(({ name }) => !view.features.some((one) => one.name === name))
    .map(({ name }) => ({
      result: 'warn',
      column: name,
      rule: 'missing',
      message: `${name} is gone.`,
    }));
}
