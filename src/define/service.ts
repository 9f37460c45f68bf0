import { namedColumns } from './column.ts';
import { derivedNodes } from './derived-nodes.ts';
import { functionNodes } from './function.ts';
import type { FunctionChain } from './function-type.ts';
import {
  deepFreeze,
  type MetaOptions,
  metaNode,
  nodeOf,
  type PickNode,
  problemNode,
  type ServiceNode,
} from './node.ts';
import type {
  NewNames,
  OnDemandRow,
  RequestInputs,
  RequestMap,
  RequestValues,
} from './on-demand.ts';
import { onDemandRow } from './on-demand.ts';
import type { Pick } from './pick.ts';
import { type ServingOptions, servingNode } from './serving-options.ts';
import type { TypeProblem } from './type-problem.ts';
import type { Flatten, UnionToIntersection } from './type-tag.ts';
import type { DerivedMap, FeatureValues } from './view.ts';

/** The versioned list of features that one model reads. */
export interface Service<
  Name extends string = string,
  Keys extends object = object,
  Values extends object = object,
  Request extends object = object,
> {
  readonly node: ServiceNode;
  readonly name: Name;
  readonly version: number;
  /** For the compiler alone: what a request gives and what an answer holds. */
  readonly types?: { readonly keys: Keys; readonly values: Values; readonly request: Request };
}

/** The answer's values by feature: `{ mean_delay_3h: number | null; late_24h: number }`. */
export type ServiceValues<S> = S extends { readonly types?: { readonly values: infer V } }
  ? V
  : never;

/** The join keys that a request gives: `{ airport: string }`. */
export type ServiceKeys<S> = S extends { readonly types?: { readonly keys: infer K } } ? K : never;

/** The fields that a request gives beside the join keys: `{ amount: number; note?: string | null }`. */
export type ServiceRequest<S> = S extends { readonly types?: { readonly request: infer R } }
  ? R
  : never;

type KeysOf<P> = P extends Pick<infer Keys, infer _, infer _> ? Keys : never;
type ValuesOf<P> = P extends Pick<infer _, infer Values, infer _> ? Values : never;
type TagsOf<P> = P extends Pick<infer _, infer _, infer Tags> ? Tags : never;

type Merged<U> = Flatten<UnionToIntersection<U>>;

/** Each pick as it is where its names are new; else a sentence that names the first that is not. */
type Distinct<P extends readonly Pick[]> = {
  readonly [I in keyof P]: I extends keyof Clashes<P> ? Clash<Clashes<P>[I]> : P[I];
};

type Clash<Name> =
  TypeProblem<`the service has two features named ${Name & string}; pick one under an alias`>;

/** Index → names that an earlier pick has taken; a tail call each, so that a list may be long. */
type Clashes<
  P extends readonly unknown[],
  Seen = never,
  Found = unknown,
  Before extends readonly unknown[] = [],
> = P extends readonly [infer Head, ...infer Rest]
  ? Clashes<
      Rest,
      Seen | keyof ValuesOf<Head>,
      [keyof ValuesOf<Head> & Seen] extends [never]
        ? Found
        : Found & { [I in `${Before['length']}`]: keyof ValuesOf<Head> & Seen },
      [...Before, unknown]
    >
  : Found;

/** Names that are taken by what a service reads. */
type Taken<P extends readonly Pick[]> = keyof Merged<KeysOf<P[number]>> | keyof ValuesIn<P>;
type ValuesIn<P extends readonly Pick[]> = Merged<ValuesOf<P[number]>>;

/**
 * Nothing to say of required names that views give; any other is one that `onDemand` or a function gives. It is
 * asked there, since what is checked against the names of on-demand features is checked too early.
 */
type Answered<N extends string, Given, F> = [N] extends [Given]
  ? unknown
  : [keyof F] extends [never]
    ? { readonly onDemand: (row: never) => { readonly [Name in Exclude<N, Given>]: unknown } }
    :
        | { readonly onDemand: (row: never) => Named<Exclude<N, Given>> }
        | {
            readonly functions: (chain: never) => {
              readonly types?: { readonly values: Named<Exclude<N, Given>> };
            };
          };

type Named<Names extends string> = { readonly [Name in Names]: unknown };

export interface ServiceOptions<
  P extends readonly Pick[],
  R extends RequestMap,
  D extends DerivedMap,
  N extends string,
  F extends object,
> extends MetaOptions {
  /** Raise it whenever the list changes: `name@version` means one thing for ever. */
  readonly version: number;
  /** Output names are the features' own, or their aliases; each is there once. */
  readonly features: P & Distinct<P>;
  /** Fields that a request gives beside the join keys, for on-demand features. */
  readonly request?: R & NewNames<R, Taken<P>, 'request field'>;
  /** Expressions over the request's fields and the features above, computed for each row. */
  readonly onDemand?: (
    row: OnDemandRow<R, Merged<TagsOf<P[number]>>>,
  ) => D & NewNames<D, Taken<P> | keyof R, 'on-demand feature'>;
  /**
   * TypeScript functions over all of these, for what expressions cannot say. They run outside of
   * this process, by the text of `run`, within bounds of time and memory.
   */
  readonly functions?: (
    chain: FunctionChain<RequestInputs<R> & ValuesIn<P> & FeatureValues<D>>,
  ) => { readonly types?: { readonly values: F } };
  /** How long a request has, and what happens where something is not there in time. */
  readonly serving?: ServingOptions<N>;
}

/**
 * Declares what one model reads. The service carries its types, for the client and for training.
 *
 * @example
 * const lateFlight = service('late_flight', {
 *   version: 1,
 *   features: [originDelays.pick('mean_delay_3h', 'late_24h'), routeDelays.all()],
 *   request: { planned: int64() },
 *   onDemand: ({ request, feature }) => ({
 *     planned_share: request.planned.div(feature.mean_delay_3h).default(0),
 *   }),
 * });
 * type Values = ServiceValues<typeof lateFlight>;
 */
export function service<
  const Name extends string,
  const P extends readonly Pick[],
  R extends RequestMap = Record<never, never>,
  D extends DerivedMap = Record<never, never>,
  const N extends string = never,
  F extends object = Record<never, never>,
>(
  name: Name,
  options: ServiceOptions<P, R, D, N, F> & Answered<N, keyof ValuesIn<P>, F>,
): Service<
  Name,
  Merged<KeysOf<P[number]>>,
  Flatten<ValuesIn<P> & FeatureValues<D> & F>,
  RequestValues<R>
> {
  return Object.freeze({ node: serviceNode(name, options), name, version: options.version });
}

/** The options as they may come from plain JavaScript. */
interface LooseServiceOptions extends MetaOptions {
  readonly version: number;
  readonly features: unknown;
  readonly request?: unknown;
  readonly onDemand?: (row: never) => unknown;
  readonly functions?: unknown;
  readonly serving?: unknown;
}

function serviceNode(name: string, options: LooseServiceOptions): ServiceNode {
  const given: readonly unknown[] = Array.isArray(options.features) ? options.features : [];
  const picks = given.map(pickNode);
  const request = namedColumns(options.request);
  const row = onDemandRow(name, picks, request);
  const onDemand = options.onDemand === undefined ? [] : options.onDemand(row as never);
  return deepFreeze({
    kind: 'service',
    name,
    version: options.version,
    picks,
    request,
    onDemand: derivedNodes(onDemand, 'on-demand feature'),
    functions: functionNodes(options.functions),
    serving: servingNode(options.serving),
    ...metaNode(options),
  });
}

function pickNode(given: unknown): ServiceNode['picks'][number] {
  const node = nodeOf(given);
  if (node?.kind === 'pick') return node as PickNode;
  return problemNode(
    'invalid_definition',
    'A service reads features picked from views.',
    "Write view.pick('feature') or view.all().",
  );
}
