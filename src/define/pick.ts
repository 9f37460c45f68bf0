import { deepFreeze, type PickNode, type ViewNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { Flatten, UnionToIntersection } from './type-tag.ts';

/** Features of one view that a service reads, with the join keys they need. */
export interface Pick<
  Keys extends object = object,
  Values extends object = object,
  Tags extends object = object,
> {
  readonly node: PickNode;
  /** For the compiler alone: what a request gives, what an answer holds, and of which types. */
  readonly types?: { readonly keys: Keys; readonly values: Values; readonly tags: Tags };
}

type Argument = string | Readonly<Record<string, string>>;

/** Output name → feature, over all arguments. */
type Aliases<P extends readonly Argument[]> = UnionToIntersection<
  {
    [I in keyof P]: P[I] extends string ? { readonly [Name in P[I]]: Name } : P[I];
  }[number]
>;

type Renamed<Values, Names> = {
  -readonly [Alias in keyof Names]: Names[Alias] extends keyof Values
    ? Values[Names[Alias]]
    : never;
};

export type Picked<
  Keys extends object,
  Values extends object,
  Tags extends object,
  P extends readonly Argument[],
> = Pick<Keys, Flatten<Renamed<Values, Aliases<P>>>, Flatten<Renamed<Tags, Aliases<P>>>>;

export type PickedAll<Keys extends object, Values extends object, Tags extends object> = Pick<
  Keys,
  Values,
  Tags
>;

/** Each argument as it is where it names a feature once; else the names, and a sentence. */
export type PickArguments<P extends readonly Argument[], Values, View extends string> = {
  readonly [I in keyof P]: P[I] extends string
    ? P[I] extends keyof Values
      ? I extends Repeated<P>
        ? TypeProblem<`the feature ${P[I]} is picked twice`>
        : P[I]
      : (keyof Values & string) | TypeProblem<`the view ${View} has no feature ${P[I]}`>
    : {
        readonly [Alias in keyof P[I]]: P[I][Alias] extends keyof Values
          ? P[I][Alias]
          :
              | (keyof Values & string)
              | TypeProblem<`the view ${View} has no feature ${P[I][Alias] & string}`>;
      };
};

/** Indexes whose name has come before; a tail call each, so that a pick may be long. */
type Repeated<
  P extends readonly unknown[],
  Seen = never,
  Found = never,
  Before extends readonly unknown[] = [],
> = P extends readonly [infer Head, ...infer Rest]
  ? Repeated<
      Rest,
      Seen | Head,
      Head extends Seen ? Found | `${Before['length']}` : Found,
      [...Before, Head]
    >
  : Found;

export function pickOf(view: ViewNode, given: readonly unknown[]): Pick {
  const features = given.flatMap((argument) =>
    typeof argument === 'object' && argument !== null
      ? Object.entries(argument).map(([name, feature]) => ({ name, feature: String(feature) }))
      : [{ name: String(argument), feature: String(argument) }],
  );
  return pick({ kind: 'pick', view, features });
}

export function allOf(view: ViewNode): Pick {
  return pick({ kind: 'pick', view, features: null });
}

function pick(node: PickNode): Pick {
  return Object.freeze({ node: deepFreeze(node) });
}
