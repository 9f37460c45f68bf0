import type { AccumulatorSpec, AggregateFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import type { ExprNode, LiteralValue } from '../expr/node.ts';
import type { SourceSchema, ValueType } from '../schema/types.ts';

/** A definition compiled for execution: plain JSON, canonical, the same for every engine. */
export interface ProjectPlan {
  readonly format: 1;
  readonly sources: readonly SourcePlan[];
  readonly entities: readonly EntityPlan[];
  readonly groups: readonly TileGroupPlan[];
  readonly views: readonly ViewPlan[];
  readonly services: readonly ServicePlan[];
}

export interface SourcePlan extends SourceSchema {
  readonly hash: string;
  readonly meta: Meta;
}

/** What does not change meaning, and so is not part of a hash (semantics §7). */
export interface Meta {
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
}

export interface EntityPlan {
  readonly name: string;
  readonly joinKeys: readonly { readonly name: string; readonly type: ValueType }[];
  readonly hash: string;
  readonly meta: Meta;
}

/**
 * Tiles of one entity key over one source and one view filter, shared by every feature that reads
 * them, across views and versions. `id` is the hash of all the rest.
 */
export interface TileGroupPlan {
  readonly id: string;
  readonly source: string;
  readonly entity: string;
  /** Source columns that hold the entity's join keys, in the order of the entity's join keys. */
  readonly keyColumns: readonly string[];
  /** The view's filter: an event that fails it does not exist for this group. */
  readonly filter: ExprNode | null;
  readonly lanes: readonly LanePlan[];
  readonly accumulators: readonly AccumulatorSpec[];
  readonly windows: readonly WindowSpec[];
  /** Whether the source has changes: its events can be taken back. */
  readonly retractable: boolean;
  /** The source's allowed lateness where the one window is a session, else 0. */
  readonly latenessMs: number;
  /** `changes.keep` of a retractable source, else 0. */
  readonly keep: number;
}

/** One input column of the kernel: a measure with the feature's own filter. */
export interface LanePlan {
  /** null for `count()` of rows. */
  readonly measure: ExprNode | null;
  readonly filter: ExprNode | null;
  /** Decimal places a float64 measure is quantized to (semantics §3), or null where it is not. */
  readonly quantizeScale: number | null;
}

export interface AggregateFeaturePlan {
  readonly kind: 'aggregate';
  readonly name: string;
  readonly fn: AggregateFn;
  /** `TileGroupPlan.id`. */
  readonly group: string;
  /** Index into the group's windows. */
  readonly window: number;
  /** Indexes into the group's accumulators, by part; absent parts are not needed by `fn`. */
  readonly parts: {
    readonly count?: number;
    readonly sum?: number;
    readonly sumSquares?: number;
    /** The one accumulator of min, max, first, last and of all that holds several entries. */
    readonly value?: number;
  };
  /** k of top_k, n of first_n and last_n; null for all others. */
  readonly count: number | null;
  /** Of a quantile: its rank in millionths; null for all others. */
  readonly rankPpm: number | null;
  /** Decimal places of the integers that are summed: the quantize scale, or a decimal's scale. */
  readonly scale: number;
  readonly type: ValueType;
  readonly default: LiteralValue;
  readonly meta: Meta;
}

export interface DerivedFeaturePlan {
  readonly kind: 'derived';
  readonly name: string;
  /** Column nodes name features of the same view that come before this one. */
  readonly expr: ExprNode;
  readonly type: ValueType;
  readonly default: LiteralValue;
  readonly meta: Meta;
}

export type FeaturePlan = AggregateFeaturePlan | DerivedFeaturePlan;

/** How much state a view expects and may have. */
export interface StatePlan {
  /** Keys that are expected, or null. */
  readonly keys: number | null;
  /** Bytes of memory that its state may take, or null for no bound of its own. */
  readonly budgetBytes: number | null;
  /** At the budget: keys not in use move to disk, or pushes to the source are refused. */
  readonly atLimit: 'spill' | 'stop';
}

export interface ViewPlan {
  readonly name: string;
  readonly version: number;
  readonly source: string;
  readonly entity: string;
  /** Join key name → source column. */
  readonly key: Readonly<Record<string, string>>;
  readonly filter: ExprNode | null;
  readonly features: readonly FeaturePlan[];
  /** Freshness objective in milliseconds, or null. Not part of the hash. */
  readonly freshnessMs: number | null;
  /** Not part of the hash. */
  readonly state: StatePlan;
  readonly hash: string;
  readonly meta: Meta;
}

export interface ServicePlan {
  readonly name: string;
  readonly version: number;
  /** The service's output columns, in order. */
  readonly features: readonly ServiceFeaturePlan[];
  /** Join keys that a request must give: the union over its views' entities, sorted by name. */
  readonly joinKeys: readonly { readonly name: string; readonly type: ValueType }[];
  readonly hash: string;
  readonly meta: Meta;
}

export interface ServiceFeaturePlan {
  /** Output name: the feature's name, or the alias given by the service. */
  readonly name: string;
  readonly view: string;
  readonly version: number;
  readonly feature: string;
  readonly type: ValueType;
}
