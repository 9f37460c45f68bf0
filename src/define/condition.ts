import { expressionNode } from './expression.ts';
import { type ExprSlot, problemNode } from './node.ts';

/** What a filter returned, or the problem that it is no condition. */
export function conditionOf(given: unknown): ExprSlot {
  return (
    expressionNode(given) ??
    problemNode(
      'type_mismatch',
      'The filter returns no condition.',
      'Return a comparison, for example event.delay.isNotNull().',
    )
  );
}
