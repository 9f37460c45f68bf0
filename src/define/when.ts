import { DEFAULT_SCALE, type ValueType } from '../schema/types.ts';
import { expressionNode, operand, operation, typeOfSlot } from './expression.ts';
import type { AnyExpression, Combinable, Expression } from './expression-type.ts';
import { problemNode } from './node.ts';
import type { TypeProblem } from './type-problem.ts';
import type { Tagged, TagOf, TypeTag } from './type-tag.ts';

/** The type of one branch; a literal number is an int64 where it is whole, else a float64. */
type BranchTag<X> = X extends Tagged
  ? TagOf<X>
  : X extends boolean
    ? 'bool'
    : X extends string
      ? 'string'
      : X extends bigint
        ? 'int64'
        : X extends number
          ? `${X}` extends `${bigint}`
            ? 'int64'
            : 'float64'
          : never;

/** An expression's type goes before a literal's, which adapts to it. */
type ResultTag<Then, Else> = Then extends Tagged
  ? TagOf<Then>
  : Else extends Tagged
    ? TagOf<Else>
    : 'float64' extends BranchTag<Then> | BranchTag<Else>
      ? 'float64'
      : BranchTag<Then>;

type Branch<T extends TypeTag, X> = [T] extends [never]
  ? TypeProblem<'when needs columns or literals as its branches'>
  : Combinable<T, X>;

/**
 * One value where the condition is true, another where it is false or null. Both are of one type;
 * a literal takes the type of the other branch.
 *
 * @example sum(when(flight.delay.gt(15), 1, 0)).over(sliding('1h'))
 */
export function when<const Then, const Else>(
  condition: AnyExpression<'bool'>,
  thenValue: Then & Branch<ResultTag<Then, Else>, Then>,
  elseValue: Else & Branch<ResultTag<Then, Else>, Else>,
): Expression<ResultTag<Then, Else>> {
  const test =
    expressionNode(condition) ??
    problemNode('type_mismatch', 'when takes a condition first.', 'Write when(event.x.gt(1), …).');
  const type = branchType(thenValue, elseValue);
  const branches = [operand(thenValue, type), operand(elseValue, type)];
  const built = operation('if_else', [test, ...branches]);
  return built as unknown as Expression<ResultTag<Then, Else>>;
}

function branchType(thenValue: unknown, elseValue: unknown): ValueType {
  for (const branch of [thenValue, elseValue]) {
    const node = expressionNode(branch);
    const type = node === null ? null : typeOfSlot(node);
    if (type !== null) return type;
  }
  const literals = [thenValue, elseValue].filter((branch) => expressionNode(branch) === null);
  if (literals.some((branch) => typeof branch === 'number' && !Number.isSafeInteger(branch))) {
    return { kind: 'float64', scale: DEFAULT_SCALE };
  }
  const kind = typeof literals[0];
  if (kind === 'string') return { kind: 'string' };
  return kind === 'boolean' ? { kind: 'bool' } : { kind: 'int64' };
}
