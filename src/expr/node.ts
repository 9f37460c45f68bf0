import type { ValueType } from '../schema/types.ts';

/**
 * The operations of the expression language. Each is pinned once, here, in semantics §2 and in the
 * conformance suite; what an engine does differently is not expressible.
 */
export type OpName =
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'and'
  | 'or'
  | 'not'
  | 'is_null'
  | 'is_not_null'
  | 'coalesce'
  | 'if_else'
  | 'in'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'int_div'
  | 'mod'
  | 'neg'
  | 'abs'
  | 'to_float64'
  | 'to_int64'
  | KeptOp
  | 'round'
  | 'lower'
  | 'upper'
  | 'starts_with'
  | VectorOp;

/** To the nearest value of a smaller format; features are kept so, and nothing else is. */
export type KeptOp = 'to_float32' | 'to_float16';

/** Of two vectors of one length and model. */
export type VectorOp = 'dot' | 'cosine' | 'distance' | 'squared_distance';

/** A typed expression over columns (filters, measures) or features (derived): plain and frozen. */
export type ExprNode =
  | { readonly kind: 'column'; readonly name: string; readonly type: ValueType }
  /** `value` is JSON-safe: integers beyond 2^53 are decimal text; decimals are units. */
  | { readonly kind: 'literal'; readonly type: ValueType; readonly value: LiteralValue }
  | {
      readonly kind: 'call';
      readonly op: OpName;
      readonly args: readonly ExprNode[];
      readonly type: ValueType;
    };

export type LiteralValue = number | string | boolean | null;
