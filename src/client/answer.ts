import type { Issue } from '../base/errors.ts';
import type { FeatureStatus } from '../schema/status.ts';

/** A service's answer with its envelope. */
export interface FeatureAnswer<Keys extends object, Values extends object> {
  readonly service: string;
  readonly version: number;
  /** Only where the version, or a view that it reads, is deprecated: read the successor instead. */
  readonly deprecated?: {
    readonly what: string;
    readonly sinceMs: number;
    /** It is served until then at least; null: that was not said. */
    readonly untilMs: number | null;
    /** `name@version` */
    readonly successor: string | null;
  };
  /** The time that every window of this answer ends at. */
  readonly asOfMs: number;
  /** Every event up to this commit is contained. */
  readonly position: { readonly commit: number };
  readonly versions: Readonly<Record<string, number>>;
  readonly freshness: Readonly<Record<string, ViewFreshnessAnswer>>;
  /** In the order of the request. */
  readonly rows: readonly FeatureRowAnswer<Keys, Values>[];
  /** Views that were answered from what was read before, as the online store was not there. */
  readonly degraded?: Readonly<Record<string, DegradedAnswer>>;
  /** Of a model: whether the answer fits what that registered. */
  readonly contract?: ContractAnswer;
}

export interface ContractAnswer {
  /** `name@version` */
  readonly model: string;
  readonly fits: boolean;
  readonly violations: readonly {
    readonly feature: string;
    readonly rule: string;
    readonly expected: string | number;
    readonly found: string | number;
    /** Rows of this answer that it concerns, and the first of them, from 0. */
    readonly rows: number;
    readonly firstRow: number;
  }[];
}

export interface ViewFreshnessAnswer {
  readonly newestArrivalMs: number | null;
  readonly stalenessMs: number | null;
  readonly objectiveMs: number | null;
  readonly stale: boolean;
}

/** Values that were known to be right `ageMs` ago, and are those of `commit`. */
export interface DegradedAnswer {
  readonly reason: 'last_known';
  readonly commit: number;
  readonly ageMs: number;
}

export interface FeatureRowAnswer<Keys extends object, Values extends object> {
  readonly key: Keys;
  /**
   * All null where the row failed. Where the service skips what a failing store would give, such
   * features are left out here, and their statuses say so.
   */
  readonly values: Values;
  readonly statuses: Readonly<Record<keyof Values & string, FeatureStatus>>;
  /** Only where a feature that the service requires is not there: the row is of no use. */
  readonly failed?: { readonly code: 'required_feature'; readonly features: readonly string[] };
}

/** What became of pushed events; `rejections` lists those that were not accepted. */
export interface PushAnswer {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Answers at this commit or later contain the accepted events. */
  readonly commit: number;
  readonly rejections: readonly {
    readonly row: number;
    readonly code: string;
    readonly column: string | null;
    readonly message: string;
    readonly remedy: string;
  }[];
}

/** The form of every error body. */
export interface ErrorAnswer {
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly issues?: readonly Issue[];
  readonly retryAfterMs?: number;
}
