import {
  deepFreeze,
  type MetaOptions,
  metaNode,
  nodeOf,
  type PickNode,
  problemNode,
  type ServiceNode,
} from './node.ts';
import type { Pick } from './pick.ts';
import type { TypeProblem } from './type-problem.ts';
import type { Flatten, UnionToIntersection } from './type-tag.ts';

/** The versioned list of features that one model reads. */
export interface Service<
  Name extends string = string,
  Keys extends object = object,
  Values extends object = object,
> {
  readonly node: ServiceNode;
  readonly name: Name;
  readonly version: number;
  /** For the compiler alone: what a request gives and what an answer holds. */
  readonly types?: { readonly keys: Keys; readonly values: Values };
}

/** The answer's values by feature: `{ mean_delay_3h: number | null; late_24h: number }`. */
export type ServiceValues<S> = S extends { readonly types?: { readonly values: infer V } }
  ? V
  : never;

/** The join keys that a request gives: `{ airport: string }`. */
export type ServiceKeys<S> = S extends { readonly types?: { readonly keys: infer K } } ? K : never;

type KeysOf<P> = P extends Pick<infer Keys, infer _> ? Keys : never;
type ValuesOf<P> = P extends Pick<infer _, infer Values> ? Values : never;

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

export interface ServiceOptions<P extends readonly Pick[]> extends MetaOptions {
  /** Raise it whenever the list changes: `name@version` means one thing for ever. */
  readonly version: number;
  /** Output names are the features' own, or their aliases; each is there once. */
  readonly features: P & Distinct<P>;
}

/**
 * Declares what one model reads. The service carries its types, for the client and for training.
 *
 * @example
 * const lateFlight = service('late_flight', {
 *   version: 1,
 *   features: [originDelays.pick('mean_delay_3h', 'late_24h'), routeDelays.all()],
 * });
 * type Values = ServiceValues<typeof lateFlight>;
 */
export function service<const Name extends string, const P extends readonly Pick[]>(
  name: Name,
  options: ServiceOptions<P>,
): Service<Name, Merged<KeysOf<P[number]>>, Merged<ValuesOf<P[number]>>> {
  const given: readonly unknown[] = Array.isArray(options.features) ? options.features : [];
  const node: ServiceNode = deepFreeze({
    kind: 'service',
    name,
    version: options.version,
    picks: given.map(pickNode),
    ...metaNode(options),
  });
  return Object.freeze({ node, name, version: options.version });
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
