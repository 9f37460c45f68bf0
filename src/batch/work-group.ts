import type { AccumulatorSpec } from '../aggregate/spec.ts';
import type { WindowSpec } from '../aggregate/window.ts';
import type { ExprNode } from '../expr/node.ts';
import type { AggregateFeaturePlan, EntityPlan, SourcePlan } from '../plan/plan.ts';

/** A lane with all the filters that an event must pass to count: the view's and the feature's. */
export interface WorkLane {
  readonly measure: ExprNode | null;
  readonly filters: readonly ExprNode[];
  readonly quantizeScale: number | null;
  /** Of attributes: an event counts by its filters alone, and null is a value. */
  readonly nullable?: true;
}

/** One accumulator over one window: what the passes compute for every row of the spine. */
export interface PartNeed {
  readonly accumulator: number;
  readonly window: number;
}

/** A session chains the events of which a lane is not null: those that pass its view's filter. */
export interface SessionWindow {
  readonly kind: 'session';
  readonly gapMs: number;
  readonly lane: number;
  /** Distinct event times that are kept where events can be taken back, else 0. */
  readonly keep: number;
}

export type WorkWindow = Exclude<WindowSpec, { readonly kind: 'session' }> | SessionWindow;

/** All that is computed over one source and key: tile groups of different filters together. */
export interface WorkGroup {
  readonly index: number;
  readonly source: SourcePlan;
  readonly entity: EntityPlan;
  readonly keyColumns: readonly string[];
  readonly lanes: readonly WorkLane[];
  readonly accumulators: readonly AccumulatorSpec[];
  readonly windows: readonly WorkWindow[];
  /** Whether rows may take earlier ones back. */
  readonly retractable: boolean;
  readonly needs: readonly PartNeed[];
}

/** An aggregate feature and where its parts are found. */
export interface WorkFeature {
  readonly feature: AggregateFeaturePlan;
  readonly group: number;
  /** Into the work group's windows and accumulators. */
  readonly window: number;
  readonly parts: AggregateFeaturePlan['parts'];
}
