import type { ErrorCode } from '../base/errors.ts';
import type { ExprNode } from '../expr/node.ts';
import type { ValueType } from '../schema/types.ts';

/**
 * What the DSL builds: plain, frozen data tagged by `kind`, as written and not yet checked. The
 * plan validates it, so that every issue of a project is listed at once.
 */
export type DefinitionNode = EntityNode | StreamNode | ViewNode | ServiceNode;

/** A part of a definition that cannot mean anything; the plan lists it as an issue. */
export interface ProblemNode {
  readonly kind: 'problem';
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

export type ExprSlot = ExprNode | ProblemNode;

export interface MetaNode {
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
}

export interface ColumnNode {
  readonly kind: 'column_definition';
  readonly type: ValueType;
  readonly optional: boolean;
  /** As written: a decimal's bound is in its own numbers, not in units. */
  readonly min: unknown;
  readonly max: unknown;
}

export interface NamedColumn {
  readonly name: string;
  readonly column: ColumnNode | ProblemNode;
}

export interface EntityNode extends MetaNode {
  readonly kind: 'entity';
  readonly name: string;
  readonly keys: readonly NamedColumn[];
}

/** As written; null means the default. */
export interface ChangesNode {
  readonly column: string;
  readonly insert: readonly string[] | null;
  readonly update: readonly string[] | null;
  readonly delete: readonly string[] | null;
  readonly sequence: string | null;
  readonly shape: string | null;
  readonly horizon: string | null;
  readonly keep: number | null;
}

/** Durations are as written; null means the default. */
export interface StreamNode extends MetaNode {
  readonly kind: 'stream';
  readonly name: string;
  readonly columns: readonly NamedColumn[];
  readonly eventTime: string;
  readonly arrivalTime: string | null;
  readonly id: string | null;
  readonly allowedLateness: string | null;
  readonly maxClockSkew: string | null;
  readonly dedupeHorizon: string | null;
  readonly partitions: number | null;
  readonly changes: ChangesNode | null;
}

export type WindowNode =
  | {
      readonly kind: 'sliding';
      readonly size: string;
      readonly hop: string | null;
      readonly exact: boolean;
      readonly complete: boolean;
    }
  | {
      readonly kind: 'tumbling';
      readonly size: string;
      readonly offset: string | null;
      readonly complete: boolean;
    }
  /** `options` names what was given beside the gap: there is nothing to give. */
  | { readonly kind: 'session'; readonly gap: string; readonly options: readonly string[] }
  | { readonly kind: 'lifetime'; readonly hop: string | null; readonly complete: boolean };

export type FunctionName =
  | 'count'
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'first'
  | 'last'
  | 'variance'
  | 'stddev'
  | 'countDistinct'
  | 'quantile'
  | 'median'
  | 'topK'
  | 'histogram'
  | 'firstN'
  | 'lastN';

export interface AggregateNode {
  readonly kind: 'aggregate';
  readonly fn: FunctionName;
  readonly measure: ExprSlot | null;
  /** Of a variance or standard deviation: divide by n - 1. */
  readonly sample: boolean;
  /** Decimal places a float64 measure is quantized to; null means the default. */
  readonly scale: number | null;
  /** `exactUpTo` or `maxDistinct`; null means the default. */
  readonly size: number | null;
  /** How many values a list has at most. */
  readonly count: number | null;
  /** Of a quantile: q, and how far off it may be. */
  readonly rank: number | null;
  readonly relativeError: number | null;
  readonly filter: ExprSlot | null;
  readonly window: WindowNode | ProblemNode | null;
  /** The type of the result; null where the measure is a problem. */
  readonly type: ValueType | null;
  readonly default: unknown;
  readonly description: string | null;
  readonly tags: readonly string[];
}

export interface DerivedNode {
  readonly kind: 'derived';
  readonly expr: ExprSlot;
  readonly default: unknown;
  readonly description: string | null;
  readonly tags: readonly string[];
}

export interface NamedFeature {
  readonly name: string;
  readonly feature: AggregateNode | DerivedNode | ProblemNode;
}

/** What state a view expects and may have; as written, null means the default. */
export interface StateNode {
  readonly keys: number | null;
  readonly budget: string | null;
  readonly atLimit: string | null;
}

export interface ViewNode extends MetaNode {
  readonly kind: 'view';
  readonly name: string;
  readonly version: number;
  /** null where something else was given. */
  readonly source: StreamNode | null;
  readonly entity: EntityNode | null;
  readonly key: Readonly<Record<string, string>>;
  readonly freshness: string | null;
  readonly state: StateNode | null;
  readonly filter: ExprSlot | null;
  readonly features: readonly NamedFeature[];
}

export interface PickNode {
  readonly kind: 'pick';
  readonly view: ViewNode;
  /** Output name and feature; null means every feature of the view. */
  readonly features: readonly { readonly name: string; readonly feature: string }[] | null;
}

export interface ServiceNode extends MetaNode {
  readonly kind: 'service';
  readonly name: string;
  readonly version: number;
  readonly picks: readonly (PickNode | ProblemNode)[];
}

export function problemNode(code: ErrorCode, message: string, remedy: string): ProblemNode {
  return Object.freeze({ kind: 'problem', code, message, remedy });
}

export function isProblem(node: { readonly kind: string } | null): node is ProblemNode {
  return node?.kind === 'problem';
}

/** Freezes plain data all the way down. */
export function deepFreeze<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node;
  for (const part of Object.values(node)) deepFreeze(part);
  return Object.freeze(node);
}

/** Whatever was given as owner, description and tags, in their one form. */
export function metaNode(given: MetaOptions): MetaNode {
  return {
    owner: given.owner ?? null,
    description: given.description ?? null,
    tags: [...(given.tags ?? [])],
  };
}

/** What a reader should know of a definition; none of it changes its meaning (semantics §7). */
export interface MetaOptions {
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

/** The node behind a value of the DSL, or the node itself; null for anything else. */
export function nodeOf(value: unknown): { readonly kind: string } | null {
  if (typeof value !== 'object' || value === null) return null;
  const node: unknown = 'node' in value ? value.node : value;
  if (typeof node !== 'object' || node === null || !('kind' in node)) return null;
  return typeof node.kind === 'string' ? (node as { readonly kind: string }) : null;
}
