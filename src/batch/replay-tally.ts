import { LIMITS } from '../base/limits.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Scalar, ValueType } from '../schema/types.ts';
import type { ServedAnswer } from '../store/serve-log.ts';
import type { Explanation } from './explain.ts';
import type { ReplayedFeature } from './replayed-row.ts';
import { valueText } from './value-text.ts';

/** A served value or status that its replay does not confirm. */
export interface ReplayMismatch {
  readonly service: string;
  readonly version: number;
  readonly feature: string;
  readonly key: Readonly<Record<string, Scalar>>;
  readonly asOfMs: number;
  readonly commit: number;
  readonly served: FeatureValue;
  /** Undefined where nothing could be replayed. */
  readonly replayed: FeatureValue | undefined;
  readonly servedStatus: FeatureStatus | null;
  readonly replayedStatus: FeatureStatus | null;
  /** What both values are in JSON: a decimal with its point, null where nothing was replayed. */
  readonly text: { readonly served: string; readonly replayed: string | null };
  readonly explanation: Explanation;
}

export interface ReplayReport {
  readonly answers: number;
  /** Values compared; each is identical or a mismatch. */
  readonly values: number;
  readonly identical: number;
  readonly mismatched: number;
  /** Values that were not there when they were asked for, so that there is nothing to compare. */
  readonly unknown: number;
  /** The first of them, explained: at most `LIMITS.explainedMismatches`. */
  readonly mismatches: readonly ReplayMismatch[];
  readonly throughCommit: number;
}

/** What was compared so far. */
export class Tally {
  answers = 0;
  values = 0;
  identical = 0;
  mismatched = 0;
  unknown = 0;
  readonly mismatches: ReplayMismatch[] = [];

  get isFull(): boolean {
    return this.mismatches.length >= LIMITS.explainedMismatches;
  }

  report(throughCommit: number): ReplayReport {
    const { answers, values, identical, mismatched, unknown, mismatches } = this;
    return { answers, values, identical, mismatched, unknown, mismatches, throughCommit };
  }
}

export interface Difference {
  readonly feature: string;
  readonly served: FeatureValue;
  readonly type?: ValueType;
  readonly replayed?: ReplayedFeature;
  /** Null once enough are explained. */
  readonly explanation: Explanation | null;
}

export function addMismatch(tally: Tally, answer: ServedAnswer, difference: Difference): void {
  tally.values += 1;
  tally.mismatched += 1;
  const { feature, served, type, replayed, explanation } = difference;
  if (tally.isFull || explanation === null) return;
  const { service, version, key, asOfMs, commit } = answer;
  const text = (value: FeatureValue): string => valueText(value, type ?? null);
  tally.mismatches.push({
    ...{ service, version, feature, key, asOfMs, commit, served, explanation },
    replayed: replayed?.value,
    servedStatus: answer.statuses[feature] ?? null,
    replayedStatus: replayed?.status ?? null,
    text: { served: text(served), replayed: replayed === undefined ? null : text(replayed.value) },
  });
}
