import type { AccumulatorSpec, AggregateFn } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import type { ExprNode, LiteralValue } from '../expr/node.ts';
import type { SourceSchema, ValueType } from '../schema/types.ts';
import type { FunctionPlan } from './function-form.ts';
import type { Meta } from './meta.ts';
import type { NeighborPlan } from './neighbor-form.ts';
import type { OnlinePlan } from './online-form.ts';
import type { ServingPlan } from './serving-form.ts';
import type { SpinePlan } from './spine-form.ts';
import type { ExpectationPlan, TableOriginPlan } from './table-origin.ts';

export type { Meta } from './meta.ts';
export type { FailurePlan, ServingPlan } from './serving-form.ts';
export type { SpinePlan } from './spine-form.ts';
export type {
  ExpectationPlan,
  SnapshotPlan,
  TableFromPlan,
  TableOriginPlan,
} from './table-origin.ts';

/** A definition compiled for execution: plain JSON, canonical, the same for every engine. */
export interface ProjectPlan {
  readonly format: 1;
  readonly sources: readonly SourcePlan[];
  readonly entities: readonly EntityPlan[];
  readonly groups: readonly TileGroupPlan[];
  readonly views: readonly ViewPlan[];
  readonly services: readonly ServicePlan[];
  readonly datasets: readonly DatasetPlan[];
  readonly models: readonly ModelPlan[];
  readonly dashboards: readonly DashboardPlan[];
}

export interface SourcePlan extends SourceSchema {
  /** Of a table: where its rows come from and how; null of a stream. */
  readonly origin: TableOriginPlan | null;
  readonly hash: string;
  readonly meta: Meta;
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
  /**
   * Tiles are shared within one namespace, so that one team never rebuilds another's state. Absent
   * of the default namespace, whose groups keep their ids.
   */
  readonly namespace?: string;
  /** Columns of the source that hold tokens; absent where it has none. */
  readonly tokenized?: readonly string[];
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
  /**
   * Only of lanes that feed `latest`: a null measure is a value, and its row passes by the filter
   * alone. Absent of all others, so that their groups keep their ids.
   */
  readonly nullable?: true;
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
  /** Of `latest`: a row older than this counts as missing; null for no bound and all others. */
  readonly ttlMs: number | null;
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
  /** What values are expected, by feature; gates compare with it. Not part of the hash. */
  readonly expectations: Readonly<Record<string, ExpectationPlan>>;
  /** Features whose nearest neighbors can be asked for; absent where none are. Not part of the hash. */
  readonly neighbors?: readonly NeighborPlan[];
  /** Which keys an online store holds; absent: all. Not part of the hash. */
  readonly online?: OnlinePlan;
  readonly hash: string;
  readonly meta: Meta;
}

export interface ServiceKeyPlan {
  readonly name: string;
  readonly type: ValueType;
  /** The namespace in which the key's tokens are made; absent of keys that are used as they are. */
  readonly tokens?: string;
}

export interface ServicePlan {
  readonly name: string;
  readonly version: number;
  /** The service's output columns, in order. */
  readonly features: readonly ServiceFeaturePlan[];
  /** Join keys that a request must give: the union over its views' entities, sorted by name. */
  readonly joinKeys: readonly ServiceKeyPlan[];
  /** Fields that a request gives beside them, for on-demand features; a spine's columns in training. */
  readonly request: readonly RequestFieldPlan[];
  /** Computed for each row from its request fields and features; served after `features`. */
  readonly onDemand: readonly OnDemandFeaturePlan[];
  /** Computed of all of these; served after them. Absent where there are none. */
  readonly functions?: readonly FunctionPlan[];
  /** How it is answered; absent where nothing is declared. Not part of the hash. */
  readonly serving?: ServingPlan;
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

/** One value that a request brings. */
export interface RequestFieldPlan {
  readonly name: string;
  readonly type: ValueType;
  readonly optional: boolean;
}

/** A pure expression over request fields, output names of `features`, and earlier ones of its kind. */
export interface OnDemandFeaturePlan {
  readonly name: string;
  readonly expr: ExprNode;
  readonly type: ValueType;
  readonly default: LiteralValue;
  readonly meta: Meta;
}

/** A training set as a definition: what `asof train --dataset` builds and `rebuild` repeats. */
export interface DatasetPlan {
  readonly name: string;
  readonly version: number;
  readonly service: string;
  readonly serviceVersion: number;
  readonly spine: SpinePlan;
  readonly labels: readonly LabelPlan[];
  readonly known: 'serving' | 'final';
  readonly servingDelayMs: number;
  readonly statuses: boolean;
  readonly hash: string;
  readonly meta: Meta;
}

/**
 * A value of the time after a row's own: an aggregate over `(t, t + horizonMs]`, as known at
 * `t + horizonMs + delayMs`. Where that is later than all that is known, the label is null.
 */
export interface LabelPlan {
  readonly name: string;
  readonly horizonMs: number;
  readonly delayMs: number;
  /** A view of one feature over `sliding(horizon, exact)`, with its tile groups; of no service. */
  readonly view: ViewPlan;
  readonly groups: readonly TileGroupPlan[];
}

/** A model version as a reader: what it may read of one service version, and what it expects. */
export interface ModelPlan {
  readonly name: string;
  readonly version: number;
  readonly service: string;
  readonly serviceVersion: number;
  /** The dataset that it was trained on, where that is told. */
  readonly trainedOn?: { readonly dataset: string; readonly version: number };
  /** Outputs of the service that it may read, on-demand features included, sorted by name. */
  readonly reads: readonly ModelReadPlan[];
  /** By output name: what values it was trained on, and so expects. */
  readonly expectations: Readonly<Record<string, ExpectationPlan>>;
  /** What an answer that does not fit gets: an error, or a note in its envelope. */
  readonly onViolation: 'refuse' | 'flag';
  readonly hash: string;
  readonly meta: Meta;
}

export interface ModelReadPlan {
  readonly name: string;
  readonly type: ValueType;
  /** Where it comes from; null of on-demand features. */
  readonly feature: {
    readonly view: string;
    readonly version: number;
    readonly name: string;
  } | null;
}

/** What people look at: named for the lineage alone, with what it shows. */
export interface DashboardPlan {
  readonly name: string;
  readonly url: string | null;
  readonly reads: readonly {
    readonly view: string;
    readonly version: number;
    readonly feature: string;
  }[];
  readonly hash: string;
  readonly meta: Meta;
}
