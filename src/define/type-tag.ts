/** A value type as the compiler knows it, written as people write it. */
export type TypeTag =
  | 'int64'
  | 'float64'
  | 'bool'
  | 'string'
  | 'timestamp'
  | `decimal(${number})`
  | VectorTag;

/** With or without the model that makes it: `vector(384)`, `vector(384, minilm@3)`. */
export type VectorTag = `vector(${number})` | `vector(${number}, ${string})`;
export type DecimalTag = `decimal(${number})`;
export type NumberTag = 'int64' | 'float64' | DecimalTag;
/** What can be ordered: compared with `lt` and found by `min` and `max`. */
export type OrderedTag = NumberTag | 'string' | 'timestamp';
/** What an entity's join key can be. */
export type KeyTag = 'string' | 'int64';
export type ScalarTag = Exclude<TypeTag, VectorTag>;

/** What can be counted value by value: a float64 has too many. */
export type DiscreteTag = Exclude<ScalarTag, 'float64'>;

/** Types of features alone: several values, and distinct values with how often each occurs. */
export type ListTag<T extends TypeTag> = `list(${T})`;
export type CountsTag<T extends TypeTag> = `counts(${T})`;
export type FeatureTag = TypeTag | ListTag<TypeTag> | CountsTag<TypeTag>;

/**
 * The JavaScript value of a type: int64 is a `number` where that is exact and a `bigint` beyond
 * 2^53; timestamp is epoch milliseconds.
 */
export type JsValue<T extends TypeTag> = T extends 'int64'
  ? number | bigint
  : T extends 'float64' | 'timestamp' | DecimalTag
    ? number
    : T extends 'bool'
      ? boolean
      : T extends 'string'
        ? string
        : readonly number[];

/** The JavaScript value of a histogram: distinct values in ascending order, each with its count. */
export type ValueCounts<T extends TypeTag> = readonly {
  readonly value: JsValue<T>;
  readonly count: number;
}[];

/** A type with its article, for sentences: `an int64`, `a string`. */
export type A<T> = T extends 'int64' ? 'an int64' : T extends string ? `a ${T}` : 'of no type';

/** Carries a type tag for the compiler alone; no such property exists at run time. */
export declare const tag: unique symbol;
/** Carries a feature's JavaScript type for the compiler alone. */
export declare const value: unique symbol;

export interface Tagged<T extends FeatureTag = TypeTag> {
  readonly [tag]: T;
}

export type TagOf<X> = X extends { readonly [tag]: infer T extends TypeTag } ? T : never;

/** Shows an intersection of records as the one record it is. */
export type Flatten<T> = { [K in keyof T]: T[K] } & {};

export type UnionToIntersection<U> = (U extends unknown ? (member: U) => void : never) extends (
  all: infer I,
) => void
  ? I
  : never;
