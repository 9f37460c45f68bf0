import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { DEFAULT_SCALE, sameType } from '../schema/types.ts';
import type { ExprNode, OpName } from './node.ts';
import { refusal, shownNode } from './operation-refusal.ts';
import { opText } from './text.ts';
import type { Typed } from './typed.ts';

/** Both of one length, and made by one model: others cannot be measured against each other. */
export function vectorTyping(op: OpName, args: readonly ExprNode[]): Typed {
  const left = present(args[0], 'the arity is checked before the types');
  const right = present(args[1], 'the arity is checked before the types');
  for (const arg of [left, right]) {
    if (arg.type.kind === 'vector') continue;
    throw refusal(op, 'measures vectors', arg, 'Use a vector column, feature or request field.');
  }
  if (!sameType(left.type, right.type)) {
    const message = `${opText(op)} measures vectors of one length and model, but ${shownNode(left)} and ${shownNode(right)}.`;
    const remedy = 'Compare vectors that one version of one model has made.';
    throw new AsofError('type_mismatch', message, { remedy });
  }
  return { args, type: { kind: 'float64', scale: DEFAULT_SCALE } };
}
