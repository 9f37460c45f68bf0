import type { Duration } from '../base/duration.ts';
import { entriesOf } from './derived-nodes.ts';
import type { Label } from './label.ts';
import {
  type DatasetNode,
  deepFreeze,
  type LabelNode,
  type MetaOptions,
  metaNode,
  nodeOf,
  problemNode,
  type ServiceNode,
  type SpineNode,
} from './node.ts';
import type { Service, ServiceKeys, ServiceRequest } from './service.ts';
import type { Spine } from './spine.ts';
import type { TypeProblem } from './type-problem.ts';

/** A training set as a definition: what it is made of, and so what a rebuild repeats. */
export interface Dataset<Name extends string = string> {
  readonly node: DatasetNode;
  readonly name: Name;
  readonly version: number;
}

type LabelMap = Readonly<Record<string, Label<string, never>>>;

type RequiredNames<R> = { [N in keyof R]-?: undefined extends R[N] ? never : N }[keyof R];

/** The columns that the rows of a dataset cannot do without. */
type Needed<S, L extends LabelMap> =
  | keyof ServiceKeys<S>
  | RequiredNames<ServiceRequest<S>>
  | {
      [Name in keyof L]: L[Name] extends { readonly types?: { readonly keys: infer Keys } }
        ? Keys
        : never;
    }[keyof L];

/** A spine that has the columns; else a sentence that names one that it lacks. */
type Offers<P, Columns> =
  P extends Spine<infer Offered>
    ? [Exclude<Columns, Offered>] extends [never]
      ? unknown
      : TypeProblem<`the spine lacks the column ${Exclude<Columns, Offered> & string}; add it to columns`>
    : unknown;

export interface DatasetOptions<S extends Service, P extends Spine, L extends LabelMap>
  extends MetaOptions {
  /** Raise it whenever anything else here changes: `name@version` means one thing for ever. */
  readonly version: number;
  readonly service: S;
  /** `spineFile(…)`, `spineQuery(…)` or `spineEvents(…)`. */
  readonly spine: P & Offers<P, Needed<S, L>>;
  /** Columns of the training set that are computed from what came after each row. */
  readonly labels?: L;
  /** `'serving'` (the default): what could have been known; `'final'`: all that is known now. */
  readonly known?: 'serving' | 'final';
  /** Known so much later than it arrived. Default none; only of `'serving'`. */
  readonly servingDelay?: Duration;
  /** Adds a column for the status of each feature. */
  readonly statuses?: boolean;
}

/**
 * Declares a training set: rows, features, labels, and what may have been known.
 *
 * @example
 * const fraudTraining = dataset('fraud_training', {
 *   version: 1,
 *   service: fraud,
 *   spine: spineEvents(orders, { columns: { user: 'user', order: 'order', amount: 'amount' } }),
 *   labels: { charged_back: chargedBack },
 * });
 */
export function dataset<
  const Name extends string,
  S extends Service,
  P extends Spine,
  L extends LabelMap = Record<never, never>,
>(name: Name, options: DatasetOptions<S, P, L>): Dataset<Name> {
  return Object.freeze({ node: datasetNode(name, options), name, version: options.version });
}

/** The options as they may come from plain JavaScript. */
interface LooseDatasetOptions extends MetaOptions {
  readonly version: number;
  readonly service: unknown;
  readonly spine: unknown;
  readonly labels?: unknown;
  readonly known?: string;
  readonly servingDelay?: string;
  readonly statuses?: boolean;
}

function datasetNode(name: string, options: LooseDatasetOptions): DatasetNode {
  const service = nodeOf(options.service);
  return deepFreeze({
    kind: 'dataset',
    name,
    version: options.version,
    service: service?.kind === 'service' ? (service as ServiceNode) : null,
    spine: spineNode(options.spine),
    labels: entriesOf(options.labels).map(([label, given]) => ({
      name: label,
      label: labelNode(given),
    })),
    known: options.known ?? null,
    servingDelay: options.servingDelay ?? null,
    statuses: options.statuses ?? false,
    ...metaNode(options),
  });
}

const SPINE_KINDS: ReadonlySet<string> = new Set(['spine_file', 'spine_query', 'spine_events']);

function spineNode(given: unknown): DatasetNode['spine'] {
  const node = nodeOf(given);
  if (node !== null && SPINE_KINDS.has(node.kind)) return node as SpineNode;
  const remedy = "Write spine: spineFile('rows.csv'), spineQuery(…) or spineEvents(…).";
  return problemNode('invalid_definition', 'It has no spine.', remedy);
}

function labelNode(given: unknown): DatasetNode['labels'][number]['label'] {
  const node = nodeOf(given);
  if (node?.kind === 'label') return node as LabelNode;
  return problemNode('invalid_definition', 'This is no label.', 'Write label({ source, … }).');
}
