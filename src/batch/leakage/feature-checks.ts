import { sqlName } from '../../ingest/archive-relation.ts';
import type { DuckDbSession } from '../../ingest/duckdb-session.ts';
import type { ServicePlan } from '../../plan/plan.ts';
import type { Cell } from './columns.ts';
import { type LeakFinding, percent } from './finding.ts';
import { predict } from './prediction.ts';
import type { FeatureRun, SampledFeatures } from './sampled-features.ts';
import { roundingOf } from './spine-checks.ts';
import { SAMPLE_TIME } from './spine-sample.ts';
import { cutOffFeatures } from './without-future.ts';

/** Rows that are given a history of their own. */
const CUT_ROWS = 200;

/**
 * Features whose values change when the future is taken away. With `known: serving` none may; with
 * `final` those do that counted what arrived late.
 */
export async function futureFindings(
  session: DuckDbSession,
  work: SampledFeatures,
  service: ServicePlan,
): Promise<LeakFinding[]> {
  const { options, sample } = work;
  if (sample.rows === 0) return [];
  const rows = Math.min(CUT_ROWS, sample.rows);
  const { plan, history, known = 'serving' } = options;
  const delayMs = known === 'serving' ? (options.servingDelayMs ?? 0) : 0;
  const early = options.before === true ? 1 : 0;
  const base = await work.features(SAMPLE_TIME, { rows });
  const findings: LeakFinding[] = [];
  for (const view of plan.views) {
    const own = service.features.filter(
      (one) => one.view === view.name && one.version === view.version,
    );
    if (own.length === 0) continue;
    const cut = await cutOffFeatures(
      session,
      { plan, service, history, sample, rows, delayMs, earlyMs: early },
      view,
    );
    if (cut === null) continue;
    for (const { name } of own) findings.push(...changed(name, base, cut, known));
  }
  return findings;
}

function changed(
  name: string,
  base: FeatureRun,
  cut: ReadonlyMap<string, readonly string[]>,
  known: 'serving' | 'final',
): LeakFinding[] {
  const own = base.texts.get(name) ?? [];
  const without = cut.get(name) ?? [];
  // A row without a key has neither value.
  const differing = own.flatMap((value, at) => (value === without[at] ? [] : [at]));
  const share = differing.length / Math.max(1, own.length);
  const [first] = differing;
  if (first === undefined) return [];
  return [
    {
      check: 'future',
      severity: 'leak',
      subject: name,
      message: `'${name}' changes in ${percent(share)} of the rows once nothing is left that arrived after the row's time.`,
      evidence: {
        share,
        rows: own.length,
        example: `${own[first]} instead of ${without[first]}`,
      },
      remedy:
        known === 'final'
          ? 'Train with --known serving: final counts what arrived late, which no answer could.'
          : 'This is a defect of asof: report it with the definition.',
    },
  ];
}

/** Features that count what happens at the row's very time, and what that tells of the label. */
export async function ownEventFindings(
  work: SampledFeatures,
  base: FeatureRun,
  labels: readonly string[],
): Promise<LeakFinding[]> {
  if (work.options.before === true || work.sample.rows === 0) return [];
  const before = await work.features(SAMPLE_TIME, { before: true });
  const shareOf = (name: string): number => {
    const [own, without] = [base.texts.get(name) ?? [], before.texts.get(name) ?? []];
    return own.filter((value, at) => value !== without[at]).length / Math.max(1, own.length);
  };
  const some = base.features.filter((name) => shareOf(name) >= 0.02);
  const counting = some.filter((name) => shareOf(name) >= 0.5);
  const telling = some.flatMap((name) => {
    const best = labels.map((label) => {
      const wanted = base.columns.get(label) ?? [];
      const strength = (cells: readonly Cell[]): number => predict(cells, wanted)?.strength ?? 0;
      return {
        own: strength(base.columns.get(name) ?? []),
        without: strength(before.columns.get(name) ?? []),
      };
    });
    return best
      .filter(({ own, without }) => own >= 0.5 && without < own / 2)
      .map((one) => ({ name, ...one }));
  });
  const [worst] = telling.toSorted((a, b) => b.own - a.own);
  if (worst === undefined && counting.length === 0) return [];
  const names = counting.map((name) => `'${name}'`).join(', ');
  return [
    {
      check: 'own_event',
      severity: worst === undefined ? 'info' : 'warning',
      subject: worst?.name ?? counting[0] ?? '',
      message:
        worst === undefined
          ? `${names} count what happens at the row's very time, as serving does right after it.`
          : `'${worst.name}' tells the label by what happens at the row's very time, and hardly without.`,
      evidence: {
        features: some.length,
        ...(worst === undefined ? {} : { strength: worst.own, strengthBefore: worst.without }),
      },
      remedy: 'If the model decides before that happens, train with --before.',
    },
  ];
}

/** Times that were cut to their day or hour, and which features it changes if they were at its end. */
export async function roundingFindings(
  session: DuckDbSession,
  work: SampledFeatures,
): Promise<LeakFinding[]> {
  const rounding = await roundingOf(session);
  if (rounding === null) return [];
  const { step, stepMs, share } = rounding;
  const { timeColumn } = work.sample;
  const rows = 500;
  const start = await work.features(SAMPLE_TIME, { rows });
  const end = await work.features(`${SAMPLE_TIME} + ${stepMs - 1}`, { rows });
  const shares = start.features.map((name) => {
    const [first, last] = [start.texts.get(name) ?? [], end.texts.get(name) ?? []];
    return {
      name,
      share: first.filter((value, at) => value !== last[at]).length / Math.max(1, first.length),
    };
  });
  const [most] = shares.toSorted((a, b) => b.share - a.share);
  return [
    {
      check: 'spine_times',
      severity: 'warning',
      subject: timeColumn,
      message:
        `${percent(share)} of the times are whole ${step}s` +
        (most === undefined
          ? '.'
          : `; at the end of the ${step} '${most.name}' would differ in ${percent(most.share)} of the rows.`),
      evidence: {
        share,
        step,
        ...(most === undefined ? {} : { feature: most.name, differing: most.share }),
      },
      remedy: `If ${sqlName(timeColumn)} lost its time of day, features are as of the ${step}'s beginning, and if it was moved to the ${step}'s end they see the ${step}: give the exact time of each decision.`,
    },
  ];
}
