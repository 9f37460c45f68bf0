import type { ValueType } from '../schema/types.ts';
import type { ExprNode } from './node.ts';

/** The arguments with constants adapted to their neighbours, and the type of the result. */
export interface Typed {
  readonly args: readonly ExprNode[];
  readonly type: ValueType;
}
