import type { Dataset } from './dataset.ts';
import type { ExpectOptions } from './expectation.ts';
import { expectationNodes } from './expectation.ts';
import {
  type DatasetNode,
  deepFreeze,
  type MetaOptions,
  type ModelNode,
  metaNode,
  nodeOf,
  problemNode,
  type ServiceNode,
} from './node.ts';
import type { Service, ServiceKeys, ServiceRequest, ServiceValues } from './service.ts';
import type { Flatten } from './type-tag.ts';

/** One version of a model as a reader of features: what it may read, and what it expects there. */
export interface Model<
  Name extends string = string,
  Keys extends object = object,
  Values extends object = object,
  Request extends object = object,
> {
  readonly node: ModelNode;
  readonly name: Name;
  readonly version: number;
  /** For the compiler alone: what a request gives and what an answer holds. */
  readonly types?: { readonly keys: Keys; readonly values: Values; readonly request: Request };
}

/** What a single answer, or the last thousand rows, can be held to. */
export type ModelExpectOptions = Pick<ExpectOptions, 'min' | 'max' | 'nullShareMax'>;

export interface ModelOptions<S extends Service, Reads extends keyof ServiceValues<S> & string>
  extends MetaOptions {
  /** Raise it whenever anything here changes: `name@version` means one thing for ever. */
  readonly version: number;
  /** The version of the service that it was trained on; that one is pinned. */
  readonly service: S;
  /** The training set that it was fitted on: of the same service version. */
  readonly trainedOn?: Dataset;
  /** Outputs of the service that it may read; all of them unless given. */
  readonly reads?: readonly Reads[];
  /** What the values looked like in training; checked at every request that names the model. */
  readonly expect?: { readonly [Name in NoInfer<Reads>]?: ModelExpectOptions };
  /** An answer that does not fit: an error, or (the default) a note in the answer's envelope. */
  readonly onViolation?: 'refuse' | 'flag';
}

/**
 * Registers a version of a model as a reader: the service version and the outputs that it may read,
 * and what it expects of their values. Requests that say `model: "name@version"` are held to it.
 *
 * @example
 * const scorer = model('fraud.scorer', {
 *   version: 7,
 *   service: checks,
 *   reads: ['total_7d', 'orders_1h'],
 *   expect: { total_7d: { min: 0, nullShareMax: 0.1 } },
 *   onViolation: 'refuse',
 * });
 * const { total_7d } = await client.get(scorer, { user: 'u3' });
 */
export function model<
  const Name extends string,
  S extends Service,
  const Reads extends keyof ServiceValues<S> & string = keyof ServiceValues<S> & string,
>(
  name: Name,
  options: ModelOptions<S, Reads>,
): Model<
  Name,
  ServiceKeys<S> & object,
  Flatten<Pick<ServiceValues<S>, Reads>>,
  ServiceRequest<S> & object
> {
  return Object.freeze({ node: modelNode(name, options), name, version: options.version });
}

/** The options as they may come from plain JavaScript. */
interface LooseModelOptions extends MetaOptions {
  readonly version: number;
  readonly service: unknown;
  readonly trainedOn?: unknown;
  readonly reads?: unknown;
  readonly expect?: unknown;
  readonly onViolation?: string;
}

function modelNode(name: string, options: LooseModelOptions): ModelNode {
  const service = nodeOf(options.service);
  return deepFreeze({
    kind: 'model',
    name,
    version: options.version,
    service: service?.kind === 'service' ? (service as ServiceNode) : null,
    trainedOn: options.trainedOn === undefined ? null : datasetNode(options.trainedOn),
    reads: Array.isArray(options.reads) ? options.reads.map(String) : null,
    expectations: expectationNodes(options.expect),
    onViolation: options.onViolation ?? null,
    ...metaNode(options),
  });
}

function datasetNode(given: unknown): ModelNode['trainedOn'] {
  const node = nodeOf(given);
  if (node?.kind === 'dataset') return node as DatasetNode;
  const remedy = 'Write trainedOn: someDataset, or leave it out.';
  return problemNode('invalid_definition', 'This is no dataset.', remedy);
}
