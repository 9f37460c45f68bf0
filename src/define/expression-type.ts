import type { Derived } from './derived.ts';
import type { ExprSlot } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type {
  A,
  DecimalTag,
  JsValue,
  NumberTag,
  OrderedTag,
  Tagged,
  TagOf,
  TypeTag,
} from './type-tag.ts';

/** A typed value computed from one event's columns, or from the features of one view. */
export interface AnyExpression<T extends TypeTag = TypeTag> extends Tagged<T> {
  readonly node: ExprSlot;
}

/** What may stand beside an expression of type T: another one, or a literal. */
export type Operand<T extends TypeTag> = AnyExpression<T> | JsValue<T>;

/** The operations that are legal for a value of type T. */
export type Expression<T extends TypeTag> = T extends 'int64'
  ? Int64Expression
  : T extends 'float64'
    ? Float64Expression
    : T extends DecimalTag
      ? DecimalExpression<T>
      : T extends 'bool'
        ? BoolExpression
        : T extends 'string'
          ? StringExpression
          : T extends 'timestamp'
            ? TimestampExpression
            : VectorExpression<T>;

/** A type in words, for a literal as for an expression. */
type Noun<O> = O extends Tagged
  ? A<TagOf<O>>
  : O extends number | bigint
    ? 'a number'
    : O extends string
      ? 'a string'
      : O extends boolean
        ? 'a bool'
        : O extends null | undefined
          ? 'null; ask with isNull()'
          : 'something else';

/** O where it fits a T, else a sentence that says what does not fit. */
export type Comparable<T extends TypeTag, O> =
  O extends Operand<T>
    ? O
    : TypeProblem<`${A<T>} compares only with ${A<T>}, but this one is ${Noun<O>}`>;

export type Combinable<T extends TypeTag, O> =
  O extends Operand<T>
    ? O
    : TypeProblem<`${A<T>} combines only with ${A<T>}, but this one is ${Noun<O>}`>;

type Numeric<O> = O extends AnyExpression<NumberTag> | number | bigint
  ? O
  : TypeProblem<`div needs a number, but this one is ${Noun<O>}`>;

interface Base<T extends TypeTag> extends AnyExpression<T>, Derived<T, JsValue<T> | null> {
  readonly node: ExprSlot;
  /** True where the value is null; never null itself. */
  isNull(): BoolExpression;
  isNotNull(): BoolExpression;
  /** This value, or the other one where this one is null. */
  coalesce<O>(other: Combinable<T, O>): Expression<T>;
}

/** Equality within one type; null where either side is null. */
interface Equatable<T extends TypeTag> extends Base<T> {
  eq<O>(other: Comparable<T, O>): BoolExpression;
  ne<O>(other: Comparable<T, O>): BoolExpression;
}

/** Order within one type; strings are ordered by their UTF-8 bytes. */
interface Ordered<T extends OrderedTag> extends Equatable<T> {
  lt<O>(other: Comparable<T, O>): BoolExpression;
  le<O>(other: Comparable<T, O>): BoolExpression;
  gt<O>(other: Comparable<T, O>): BoolExpression;
  ge<O>(other: Comparable<T, O>): BoolExpression;
  /** True where the value is one of these literals. */
  in(values: readonly JsValue<T>[]): BoolExpression;
}

/** Arithmetic that stays in its type; overflow gives null and is counted (semantics §2). */
interface Arithmetic<T extends NumberTag> extends Ordered<T> {
  add<O>(other: Combinable<T, O>): Expression<T>;
  sub<O>(other: Combinable<T, O>): Expression<T>;
  neg(): Expression<T>;
  abs(): Expression<T>;
  /** The quotient as a float64, whatever the two numbers are; x / 0 is null and counted. */
  div<O>(other: Numeric<O>): Float64Expression;
}

export interface Int64Expression extends Arithmetic<'int64'> {
  mul<O>(other: Combinable<'int64', O>): Int64Expression;
  /** Truncates toward zero; x / 0 is null and counted. */
  intDiv<O>(other: Combinable<'int64', O>): Int64Expression;
  /** The remainder of `intDiv`; it has the sign of the dividend. */
  mod<O>(other: Combinable<'int64', O>): Int64Expression;
  toFloat64(): Float64Expression;
}

export interface DecimalExpression<T extends DecimalTag> extends Arithmetic<T> {
  /** A decimal times a whole number is a decimal of the same scale. */
  mul<O>(other: Combinable<'int64', O>): DecimalExpression<T>;
  toFloat64(): Float64Expression;
}

export interface Float64Expression extends Arithmetic<'float64'> {
  mul<O>(other: Combinable<'float64', O>): Float64Expression;
  /** Half to even, to a whole float64. */
  round(): Float64Expression;
  /** Half to even; null where the value is no int64. */
  toInt64(): Int64Expression;
}

export interface BoolExpression extends Equatable<'bool'> {
  /** SQL's three-valued logic: false and null is false. */
  and<O>(other: Combinable<'bool', O>): BoolExpression;
  or<O>(other: Combinable<'bool', O>): BoolExpression;
  not(): BoolExpression;
}

export interface StringExpression extends Ordered<'string'> {
  /** ASCII letters only, the same in every engine. */
  lower(): StringExpression;
  upper(): StringExpression;
  startsWith<O>(prefix: Combinable<'string', O>): BoolExpression;
}

export interface TimestampExpression extends Ordered<'timestamp'> {
  /** Later by so many milliseconds. */
  add<O>(milliseconds: Combinable<'int64', O>): TimestampExpression;
  /** Milliseconds between two timestamps, or the timestamp so many milliseconds earlier. */
  sub<O>(
    other: TimestampDifference<O>,
  ): O extends Tagged<'timestamp'> ? Int64Expression : TimestampExpression;
}

type TimestampDifference<O> = O extends Operand<'int64'> | AnyExpression<'timestamp'>
  ? O
  : TypeProblem<`a timestamp less a timestamp or milliseconds, but this one is ${Noun<O>}`>;

type SameVector<T extends TypeTag, O> =
  O extends AnyExpression<T>
    ? O
    : TypeProblem<`${A<T>} is measured only against ${A<T>}, but this one is ${Noun<O>}`>;

/** Measured against another vector of the same length and model (semantics §3, vectors). */
export interface VectorExpression<T extends TypeTag> extends Omit<Base<T>, 'coalesce' | 'default'> {
  /** The sum of the products of their elements. */
  dot<O>(other: SameVector<T, O>): Float64Expression;
  /** The cosine of the angle between them; null, and counted, where one of them is zero. */
  cosine<O>(other: SameVector<T, O>): Float64Expression;
  /** The length of their difference. */
  distance<O>(other: SameVector<T, O>): Float64Expression;
  /** The square of `distance`, which orders alike. */
  squaredDistance<O>(other: SameVector<T, O>): Float64Expression;
}
