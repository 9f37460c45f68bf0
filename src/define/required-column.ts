import type { ColumnDefinition, ColumnMap, NamesOf } from './column.ts';
import type { TypeProblem } from './type-problem.ts';
import type { A, TagOf, TypeTag } from './type-tag.ts';

/** The column's name if it has the type and is never null; else the right names, and a sentence. */
export type RequiredColumn<C extends ColumnMap, T extends TypeTag, Name, Role extends string> =
  Name extends NamesOf<C, T, false> ? Name : NamesOf<C, T, false> | Misfit<C, T, Name, Role>;

type Misfit<
  C extends ColumnMap,
  T extends TypeTag,
  Name,
  Role extends string,
> = Name extends keyof C & string
  ? C[Name] extends ColumnDefinition<T>
    ? C[Name] extends ColumnDefinition<T, 'defaulted'>
      ? TypeProblem<`${Role} needs a column that every row brings, but ${Name} has a default`>
      : TypeProblem<`${Role} needs a column that is never null, but ${Name} is optional`>
    : TypeProblem<`${Role} needs ${Needed<T>} column, but ${Name} is ${A<TagOf<C[Name]>>}`>
  : TypeProblem<`${Role} names a column that the source does not have: ${Name & string}`>;

type Needed<T> = [T] extends ['timestamp']
  ? 'a timestamp'
  : [T] extends ['string']
    ? 'a string'
    : [T] extends ['int64' | 'timestamp']
      ? 'an int64 or a timestamp'
      : [T] extends ['string' | 'timestamp']
        ? 'a string or a timestamp'
        : 'a string or an int64';
