import { AsofError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ServicePlan } from '../../plan/plan.ts';
import type { EventRelations } from '../event-relations.ts';
import { createExactMacros } from '../exact-sql.ts';
import { findService } from '../feature-work.ts';
import { readSpine } from '../spines/spine-input.ts';
import { joinKeysWith } from '../training-labels.ts';
import { futureFindings, ownEventFindings, roundingFindings } from './feature-checks.ts';
import { LEAK_CHECKS, type LeakCheck, type LeakFinding } from './finding.ts';
import { equalsLabel, suspiciousFeatures } from './label-checks.ts';
import type { LeakageOptions, LeakageReport } from './leakage-options.ts';
import { SampledFeatures } from './sampled-features.ts';
import { duplicates, labelTimes, laterColumns } from './spine-checks.ts';
import { SAMPLE_TIME, type SpineSample, sampleSpine } from './spine-sample.ts';
import { type AttachedSource, shiftedDays, shiftedSpine, wholeHours } from './time-zones.ts';

/** Rows whose features are looked at. */
const SAMPLE_ROWS = 5_000;

/**
 * Looks for what a training set may tell that serving could not know. It computes features of a
 * sample of the rows several times: as they are, at moved times, and with nothing of the future left.
 *
 * @throws AsofError as `buildTrainingSet`; `invalid_spine` where a label is no column
 */
export async function checkLeakage(options: LeakageOptions): Promise<LeakageReport> {
  const session = options.session ?? (await DuckDbSession.open(options.duckdb));
  try {
    return await check(session, { ...options, history: attachedOnce(options.history) });
  } finally {
    if (options.session === undefined) session.close();
  }
}

/** Attaching a source reads the tail of the log, and the features are computed several times. */
function attachedOnce(history: EventRelations): EventRelations {
  // The query of a spine runs on a connection of its own, which knows other relations.
  const byConnection = new Map<unknown, Map<string, Promise<string>>>();
  return {
    through: history.through,
    attach: (connection, source) => {
      const relations = byConnection.get(connection) ?? new Map<string, Promise<string>>();
      byConnection.set(connection, relations);
      const known = relations.get(source.name) ?? history.attach(connection, source);
      relations.set(source.name, known);
      return known;
    },
  };
}

async function check(session: DuckDbSession, options: LeakageOptions): Promise<LeakageReport> {
  const { plan, history, labels = [], labelColumns, labelTime } = options;
  const progress = (phase: string, share: number): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ phase, share, rows: null });
  };
  const found = findService(plan, options.service, options.version);
  const service = { ...found, joinKeys: joinKeysWith(found, plan, labels) };
  progress('read the spine', 0);
  await createExactMacros(session.connection);
  const { time = null, spine: source } = options;
  const { spinePlan = plan } = options;
  const request = { plan: spinePlan, history, service, source, time, out: OUT };
  const spine = await readSpine(session, request, {});
  requireColumns(spine.columns, [...labelColumns, ...(labelTime === null ? [] : [labelTime])]);
  const keyCount = service.joinKeys.length;
  const sample = await sampleSpine(session, spine, 'asof_leak_spine', SAMPLE_ROWS, keyCount);
  const findings: LeakFinding[] = [];
  findings.push(...(await duplicates(session, spine, keyCount, labelColumns)));
  findings.push(...(await laterColumns(session, spine, labelColumns)));
  if (labelTime !== null) findings.push(...(await labelTimes(session, spine, labelTime)));
  const work = new SampledFeatures(session, options, sample);
  progress('look at the times', 0.1);
  findings.push(...(await roundingFindings(session, work)));
  progress('compute the features', 0.3);
  const base = await work.features(`${SAMPLE_TIME}`);
  const allLabels = [...labelColumns, ...labels.map(({ name }) => name)];
  const inputs = new Set([...base.features, ...service.request.map(({ name }) => name)]);
  for (const label of allLabels) inputs.delete(label);
  progress('move the rows in time', 0.5);
  const earlier = await work.features(EARLIER);
  for (const label of allLabels) {
    const equal = equalsLabel(base.columns, inputs, label);
    findings.push(...equal);
    const told = new Set(equal.map(({ subject }) => subject));
    const others = new Set([...inputs].filter((name) => !told.has(name)));
    const at = (name: string) =>
      base.features.includes(name) ? (earlier.columns.get(name) ?? null) : null;
    findings.push(...suspiciousFeatures(base.columns, others, label, at));
  }
  findings.push(...(await ownEventFindings(work, base, allLabels)));
  progress('take the future away', 0.7);
  findings.push(...(await futureFindings(session, work, service)));
  progress('compare the clocks', 0.9);
  findings.push(...(await timeZoneFindings(session, options, service, sample)));
  progress('done', 1);
  return {
    service: service.name,
    version: service.version,
    rows: spine.rows,
    sampledRows: sample.rows,
    labels: allLabels,
    findings: findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]),
    checks: checksOf(allLabels.length > 0, labelTime !== null),
    throughCommit: history.through,
  };
}

const RANK = { leak: 0, warning: 1, info: 2 } as const;
const OUT = 'none.parquet';

/** Up to a day earlier, by another time for each row. */
const EARLIER = `greatest(${SAMPLE_TIME} - 3600000 - (hash(n) % 82800000)::BIGINT, 0)`;

function requireColumns(
  columns: readonly { readonly name: string }[],
  needed: readonly string[],
): void {
  const names = columns.map(({ name }) => name);
  for (const name of needed) {
    if (names.includes(name)) continue;
    throw new AsofError(
      'invalid_spine',
      `The spine has no column '${name}'.${didYouMean(name, names)}`,
      { remedy: 'Name columns of the spine with --label and --label-time.' },
    );
  }
}

/** What clocks tell: of each source, of pairs of them, and of the spine against each. */
async function timeZoneFindings(
  session: DuckDbSession,
  { plan, history }: LeakageOptions,
  service: ServicePlan,
  sample: SpineSample,
): Promise<LeakFinding[]> {
  const findings: LeakFinding[] = [];
  const attached = new Map<string, AttachedSource>();
  const views = plan.views.filter((view) =>
    service.features.some((one) => one.view === view.name && one.version === view.version),
  );
  for (const view of views) {
    const source = plan.sources.find(({ name }) => name === view.source);
    if (source === undefined) continue;
    const known = attached.get(source.name);
    const own = known ?? {
      name: source.name,
      relation: await history.attach(session.connection, source),
    };
    if (known === undefined) findings.push(...(await wholeHours(session, own)));
    attached.set(source.name, own);
    const shifted = await shiftedSpine(session, sample, service, view, own);
    const isTold = findings.some((one) => one.check === 'time_zones' && one.subject === own.name);
    if (!isTold) findings.push(...shifted);
  }
  findings.push(...(await shiftedDays(session, [...attached.values()])));
  return findings;
}

function checksOf(hasLabels: boolean, hasLabelTime: boolean): Readonly<Record<LeakCheck, string>> {
  const checks = LEAK_CHECKS.map((name): [LeakCheck, string] => {
    if ((name === 'prediction' || name === 'equals_label') && !hasLabels) {
      return [name, 'not done: no --label is given'];
    }
    if (name === 'label_times' && !hasLabelTime) {
      return [name, 'not done: no --label-time is given'];
    }
    return [name, 'done'];
  });
  return Object.fromEntries(checks) as Record<LeakCheck, string>;
}
