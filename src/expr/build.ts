import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { ValueType } from '../schema/types.ts';
import { canonicalType } from './literal.ts';
import type { ExprNode, OpName } from './node.ts';
import { arityError, OPERATIONS } from './operations.ts';

export { literal, literalScalar } from './literal.ts';

export function column(name: string, type: ValueType): ExprNode {
  return Object.freeze({ kind: 'column', name, type: canonicalType(type) });
}

/**
 * One operation over typed arguments; constants adapt to the type of the other side.
 *
 * @example call('gt', [column('delay', { kind: 'int64' }), literal({ kind: 'int64' }, 15)])
 * @throws AsofError `type_mismatch`, a sentence that names the offending argument
 */
export function call(op: OpName, args: readonly ExprNode[]): ExprNode {
  const [least, most] = OPERATIONS[op].arity;
  if (args.length < least || args.length > most) throw arityError(op, args.length);
  const typed = OPERATIONS[op].typing(op, args);
  const node: ExprNode = Object.freeze({
    kind: 'call',
    op,
    args: Object.freeze([...typed.args]),
    type: canonicalType(typed.type),
  });
  requireBounded(node);
  return node;
}

function requireBounded(node: ExprNode): void {
  const { depth, nodes } = measure(node);
  if (depth <= LIMITS.expressionDepth && nodes <= LIMITS.expressionNodes) return;
  throw new AsofError(
    'type_mismatch',
    `An expression has ${nodes} parts, ${depth} deep; the limits are ` +
      `${LIMITS.expressionNodes} and ${LIMITS.expressionDepth}.`,
    { remedy: 'Split it into several derived features, or use and/or/in with many arguments.' },
  );
}

function measure(node: ExprNode): { depth: number; nodes: number } {
  if (node.kind !== 'call') return { depth: 1, nodes: 1 };
  let depth = 0;
  let nodes = 1;
  for (const arg of node.args) {
    const part = measure(arg);
    depth = Math.max(depth, part.depth);
    nodes += part.nodes;
  }
  return { depth: depth + 1, nodes };
}
