import { AsofError } from '../base/errors.ts';
import { typeText } from '../schema/types.ts';
import type { ExprNode, OpName } from './node.ts';
import { exprText, opText } from './text.ts';

/** A type that an operation does not take, in a sentence that names the argument. */
export function refusal(op: OpName, does: string, node: ExprNode, remedy: string): AsofError {
  return new AsofError('type_mismatch', `${opText(op)} ${does}, but ${shownNode(node)}.`, {
    remedy,
  });
}

/** An argument and its type, as messages show them. */
export function shownNode(node: ExprNode): string {
  const printed = exprText(node);
  const short = printed.length > 60 ? `${printed.slice(0, 60)}…` : printed;
  return `${short} is ${typeText(node.type)}`;
}
