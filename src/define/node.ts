import type { ValueType } from '../schema/types.ts';
import type { FunctionNode } from './function-node.ts';
import type {
  ExpectationNode,
  ExprSlot,
  MetaNode,
  NamedColumn,
  ProblemNode,
} from './node-parts.ts';
import type { QueryNode, SourceNode, StreamNode, TableNode } from './source-node.ts';

export type {
  ColumnNode,
  ExpectationNode,
  ExprSlot,
  MetaNode,
  NamedColumn,
  ProblemNode,
  SchemaStepNode,
} from './node-parts.ts';
export { isProblem, problemNode } from './node-parts.ts';
export type {
  ChangesNode,
  QueryNode,
  SourceNode,
  StreamNode,
  TableFromNode,
  TableNode,
} from './source-node.ts';

/**
 * What the DSL builds: plain, frozen data tagged by `kind`, as written and not yet checked. The
 * plan validates it, so that every issue of a project is listed at once.
 */
export type DefinitionNode =
  | EntityNode
  | StreamNode
  | TableNode
  | ViewNode
  | ServiceNode
  | DatasetNode
  | ModelNode
  | DashboardNode;

export interface EntityNode extends MetaNode {
  readonly kind: 'entity';
  readonly name: string;
  readonly keys: readonly NamedColumn[];
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
  | 'lastN'
  | 'latest';

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
  /** Of `latest`: how old its row may be; null means no bound. */
  readonly ttl: string | null;
  /** The type of the result; null where the measure is a problem. */
  readonly type: ValueType | null;
  /** The smaller format that its values are rounded to, as written; absent: none. */
  readonly kept?: unknown;
  readonly default: unknown;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly risk?: 'high';
}

export interface DerivedNode {
  readonly kind: 'derived';
  readonly expr: ExprSlot;
  readonly kept?: unknown;
  readonly default: unknown;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly risk?: 'high';
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
  readonly source: SourceNode | null;
  readonly entity: EntityNode | null;
  readonly key: Readonly<Record<string, string>>;
  readonly freshness: string | null;
  readonly state: StateNode | null;
  readonly filter: ExprSlot | null;
  readonly features: readonly NamedFeature[];
  readonly expectations: readonly ExpectationNode[];
  /** Feature → measure, as written; absent where none are declared. */
  readonly neighbors?: readonly NeighborNode[];
  /** Which keys an online store holds, as written; absent where nothing is declared. */
  readonly online?: OnlineNode;
}

export interface OnlineNode {
  /** `all`, `read` or `top`. */
  readonly keys: string;
  /** Of `top`. */
  readonly count: number | null;
}

export interface NeighborNode {
  readonly feature: string;
  readonly metric: string;
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
  /** Fields that a request gives beside the join keys. */
  readonly request: readonly NamedColumn[];
  readonly onDemand: readonly {
    readonly name: string;
    readonly feature: DerivedNode | ProblemNode;
  }[];
  /** Computed of all of these, one after another. */
  readonly functions: readonly FunctionNode[];
  /** How it is answered, and what happens where something is not there; null: as all are. */
  readonly serving: ServingNode | null;
}

export interface ServingNode {
  readonly timeout: string | null;
  readonly required: readonly string[];
  readonly accept: readonly string[] | null;
  readonly onFailure: string | null;
  /** Of `last_known`: for how long. */
  readonly lastKnown: string | null;
  /** Options that there are not. */
  readonly unknown: readonly string[];
}

export interface LabelNode {
  readonly kind: 'label';
  readonly source: SourceNode | null;
  readonly entity: EntityNode | null;
  readonly key: Readonly<Record<string, string>>;
  readonly filter: ExprSlot | null;
  readonly horizon: string;
  readonly delay: string | null;
  /** Without a window: that is the horizon. */
  readonly value: AggregateNode | ProblemNode;
}

export type SpineNode =
  | { readonly kind: 'spine_file'; readonly path: string; readonly time: string | null }
  | { readonly kind: 'spine_query'; readonly query: QueryNode; readonly time: string | null }
  | {
      readonly kind: 'spine_events';
      readonly source: SourceNode | null;
      /** As written: a date, RFC 3339 text, or epoch milliseconds. */
      readonly from: string | number | null;
      readonly to: string | number | null;
      readonly filter: ExprSlot | null;
      readonly columns: Readonly<Record<string, string>>;
    };

export interface DatasetNode extends MetaNode {
  readonly kind: 'dataset';
  readonly name: string;
  readonly version: number;
  readonly service: ServiceNode | null;
  readonly spine: SpineNode | ProblemNode;
  readonly labels: readonly { readonly name: string; readonly label: LabelNode | ProblemNode }[];
  readonly known: string | null;
  readonly servingDelay: string | null;
  readonly statuses: boolean;
}

export interface ModelNode extends MetaNode {
  readonly kind: 'model';
  readonly name: string;
  readonly version: number;
  /** null where something else was given. */
  readonly service: ServiceNode | null;
  readonly trainedOn: DatasetNode | ProblemNode | null;
  /** null means all outputs. */
  readonly reads: readonly string[] | null;
  readonly expectations: readonly ExpectationNode[];
  readonly onViolation: string | null;
}

export interface DashboardNode extends MetaNode {
  readonly kind: 'dashboard';
  readonly name: string;
  readonly url: string | null;
  readonly reads: readonly (PickNode | ProblemNode)[];
}

/** Freezes plain data all the way down. */
export function deepFreeze<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node;
  for (const part of Object.values(node)) deepFreeze(part);
  return Object.freeze(node);
}

/** Whatever was given as owner, description, tags and risk, in their one form. */
export function metaNode(given: MetaOptions): MetaNode {
  return {
    owner: given.owner ?? null,
    description: given.description ?? null,
    tags: [...(given.tags ?? [])],
    // Whatever else a program without types gives counts as high, too: the safe side.
    ...(given.risk === undefined ? {} : { risk: 'high' }),
  };
}

/** What a reader should know of a definition; none of it changes its meaning (semantics §7). */
export interface MetaOptions {
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** It is served once somebody else has approved it, and so is what reads it. */
  readonly risk?: 'high';
}

/** The node behind a value of the DSL, or the node itself; null for anything else. */
export function nodeOf(value: unknown): { readonly kind: string } | null {
  if (typeof value !== 'object' || value === null) return null;
  const node: unknown = 'node' in value ? value.node : value;
  if (typeof node !== 'object' || node === null || !('kind' in node)) return null;
  return typeof node.kind === 'string' ? (node as { readonly kind: string }) : null;
}
