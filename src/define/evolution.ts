import { type ColumnDefinition, type ColumnMap, namedColumns } from './column.ts';
import type { SchemaStepNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, DecimalTag, TagOf, TypeTag } from './type-tag.ts';

/**
 * What one schema version of a source changed. Columns are named as they are now; only the left
 * side of a rename is a name that was.
 *
 * @example { version: 2, add: ['currency'], rename: { price_usd: 'price' }, widen: { fee: int64() } }
 */
export interface SchemaVersion {
  /** 2 for the first change, then one more each time; the first version is what came before. */
  readonly version: number;
  /** Columns that rows of earlier versions lack: optional ones, or with a default. */
  readonly add?: readonly string[];
  /** Name before → name since. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Column → its type before, a narrower one. */
  readonly widen?: Readonly<Record<string, ColumnDefinition>>;
}

export type SchemaVersions = readonly SchemaVersion[];

/** The versions as they are, with a sentence in the place of each mistake. */
export type EvolutionOf<C extends ColumnMap, E extends SchemaVersions> = {
  readonly [I in keyof E]: StepOf<C, E[I], FormerNames<E>>;
};

/** Every left side of a rename. */
type FormerNames<E extends SchemaVersions> = {
  readonly [I in keyof E]: E[I] extends { readonly rename: infer R } ? keyof R : never;
}[number];

type StepOf<C extends ColumnMap, S, Former> = {
  readonly version: number;
  readonly add?: readonly (keyof C & string)[];
  readonly rename?: S extends { readonly rename: infer R } ? RenameOf<C, R, Former> : never;
  readonly widen?: S extends { readonly widen: infer W } ? WidenOf<C, W> : never;
};

type RenameOf<C extends ColumnMap, R, Former> = {
  readonly [Old in keyof R]: Old extends keyof C
    ? TypeProblem<`${Old & string} is still a column; a name that was given up is not used again`>
    : R[Old] extends keyof C | Former
      ? R[Old]
      : TypeProblem<`${Old & string} is renamed to a column that the source does not have: ${R[Old] & string}`>;
};

type WidenOf<C extends ColumnMap, W> = {
  readonly [Name in keyof W]: Name extends keyof C
    ? W[Name] extends ColumnDefinition<Narrower<TagOf<C[Name]>>>
      ? W[Name]
      : TypeProblem<`${Name & string} is ${A<TagOf<C[Name]>>}, which ${A<TagOf<W[Name]>>} is not widened to`>
    : TypeProblem<`widen names a column that the source does not have: ${Name & string}`>;
};

/** What a type can have been before; scales are compared when the definition is compiled. */
type Narrower<T extends TypeTag> = T extends DecimalTag
  ? 'int64' | DecimalTag
  : T extends 'float64'
    ? 'int64' | DecimalTag
    : never;

/** The options as they may come from plain JavaScript; absent where there are none. */
export function evolutionNode(given: unknown): {
  readonly evolution?: readonly SchemaStepNode[];
} {
  if (given === undefined || given === null) return {};
  const steps: readonly unknown[] = Array.isArray(given) ? given : [given];
  return { evolution: steps.map(stepNode) };
}

function stepNode(given: unknown): SchemaStepNode {
  const step: Readonly<Record<string, unknown>> =
    typeof given === 'object' && given !== null ? { ...given } : {};
  const { version, add, rename, widen } = step;
  return {
    version,
    add: Array.isArray(add) ? add.map(String) : [],
    rename: Object.fromEntries(
      typeof rename === 'object' && rename !== null
        ? Object.entries(rename).map(([from, to]) => [from, String(to)])
        : [],
    ),
    widen: namedColumns(widen),
  };
}
