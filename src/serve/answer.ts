import type { FailurePlan } from '../plan/plan.ts';
import type { LifecycleState } from '../registry/lifecycle.ts';
import type { Deprecation } from '../registry/serving-states.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Scalar } from '../schema/types.ts';
import type { StatusCounts } from './status-counts.ts';

/** One answer with its envelope: all that is needed to judge a value and to replay it. */
export interface FeatureResponse {
  readonly service: string;
  readonly version: number;
  /** Only where the version, or a view that it reads, is deprecated. */
  readonly deprecated?: Deprecation;
  /** The time t that every window of this answer ends at. */
  readonly asOfMs: number;
  readonly position: { readonly commit: number };
  /** View name → version; `name@version` where a service reads several versions of one view. */
  readonly versions: Readonly<Record<string, number>>;
  readonly freshness: Readonly<Record<string, ViewFreshness>>;
  readonly rows: readonly FeatureRow[];
  /** Only where views were answered from rows that were read before. */
  readonly degraded?: Readonly<Record<string, ViewDegradation>>;
}

/** A view is answered from what was read before: the values are those of an earlier commit. */
export interface ViewDegradation {
  readonly reason: 'last_known';
  readonly commit: number;
  /** So long ago they were known to be right. */
  readonly ageMs: number;
}

export interface ViewFreshness {
  /** The newest arrival of the view's source that has been applied; null before the first. */
  readonly newestArrivalMs: number | null;
  readonly stalenessMs: number | null;
  readonly objectiveMs: number | null;
  /** The objective is declared and missed; also before the first event. */
  readonly stale: boolean;
}

export interface FeatureRow {
  readonly key: Readonly<Record<string, Scalar>>;
  readonly values: Readonly<Record<string, FeatureValue>>;
  readonly statuses: Readonly<Record<string, FeatureStatus>>;
  /** Only where the service requires what is not there: then all values are null. */
  readonly failed?: { readonly code: 'required_feature'; readonly features: readonly string[] };
}

/** What people and clients need to know to call a service. */
export interface ServiceDescription {
  readonly name: string;
  readonly version: number;
  /** Where it is in its lifecycle; absent where nothing is known of that. */
  readonly state?: LifecycleState;
  readonly deprecation?: Deprecation | null;
  readonly description: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  readonly keys: readonly { readonly name: string; readonly type: string }[];
  /** Fields of each row beside the keys. */
  readonly request: readonly {
    readonly name: string;
    readonly type: string;
    readonly optional: boolean;
  }[];
  /** What comes back: what views give, then what is computed from it and the request. */
  readonly features: readonly FeatureDescription[];
  /** How it is answered, and what happens where something is not there in time. */
  readonly serving: ServingDescription;
}

export interface ServingDescription {
  /** Of a request that names no time of its own. */
  readonly timeoutMs: number;
  /** Outputs without which a row fails. */
  readonly required: readonly string[];
  /** Statuses that are good enough of them beside `present`. */
  readonly accept: readonly string[];
  /** Where the online store is not there. */
  readonly onFailure: FailurePlan['kind'];
  /** Of `last_known`: how old what was read last may be. */
  readonly lastKnownMs: number | null;
}

export interface FeatureDescription {
  readonly name: string;
  readonly type: string;
  /** How far a value that is kept in fewer bits may be off; absent of those that are not. */
  readonly rounding?: string;
  /** `view@version.feature`, or `on demand`. */
  readonly from: string;
  readonly default: string | number | boolean | null;
  readonly description: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
}

/** Totals since the start, by service: of values, by status. */
export interface ServeCounters extends StatusCounts {
  requests: number;
  rows: number;
}
