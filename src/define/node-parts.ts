import type { ErrorCode } from '../base/errors.ts';
import type { ExprNode } from '../expr/node.ts';
import type { ValueType } from '../schema/types.ts';

/** A part of a definition that cannot mean anything; the plan lists it as an issue. */
export interface ProblemNode {
  readonly kind: 'problem';
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

export type ExprSlot = ExprNode | ProblemNode;

export interface MetaNode {
  readonly owner: string | null;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly risk?: 'high';
}

export interface ColumnNode {
  readonly kind: 'column_definition';
  readonly type: ValueType;
  readonly optional: boolean;
  /** As written: a decimal's bound is in its own numbers, not in units. */
  readonly min: unknown;
  readonly max: unknown;
  readonly personal?: 'plain' | 'tokenized';
  /** As written; absent where there is none. */
  readonly default?: unknown;
}

/** What one schema version changed, as written: columns by their present names. */
export interface SchemaStepNode {
  readonly version: unknown;
  readonly add: readonly string[];
  /** Name before → name since. */
  readonly rename: Readonly<Record<string, string>>;
  /** Column → as it was declared before. */
  readonly widen: readonly NamedColumn[];
}

export interface NamedColumn {
  readonly name: string;
  readonly column: ColumnNode | ProblemNode;
}

/** What values are expected of one column or feature; as written, null means not checked. */
export interface ExpectationNode {
  readonly name: string;
  readonly min: unknown;
  readonly max: unknown;
  readonly nullShareMax: unknown;
  readonly distinctMin: unknown;
  readonly medianFactorMax: unknown;
}

export function problemNode(code: ErrorCode, message: string, remedy: string): ProblemNode {
  return Object.freeze({ kind: 'problem', code, message, remedy });
}

export function isProblem(node: { readonly kind: string } | null): node is ProblemNode {
  return node?.kind === 'problem';
}
