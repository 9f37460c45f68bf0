import { didYouMean } from '../base/suggest.ts';
import { typeText, type ValueType } from '../schema/types.ts';
import { ExpressionBuilder } from './expression.ts';
import { type ExprSlot, type ProblemNode, problemNode } from './node.ts';

export interface RowField {
  readonly name: string;
  /** null where the field's own definition is a problem, which is listed at its own place. */
  readonly type: ValueType | null;
}

/**
 * The object that a definition's functions are called with: a column or feature by name. A name
 * that does not exist gives a problem, so that the rest of the definition is still read.
 */
export function rowOf(owner: string, noun: string, fields: readonly RowField[]): object {
  const known = new Map(fields.map((field) => [field.name, field]));
  const built = new Map<string, ExpressionBuilder>();
  return new Proxy(Object.create(null), {
    get(_row, name) {
      if (typeof name !== 'string') return undefined;
      const before = built.get(name);
      if (before !== undefined) return before;
      const expression = field(owner, noun, name, known);
      built.set(name, expression);
      return expression;
    },
    has: (_row, name) => typeof name === 'string' && known.has(name),
    ownKeys: () => [...known.keys()],
    getOwnPropertyDescriptor: (_row, name) =>
      typeof name === 'string' && known.has(name)
        ? { enumerable: true, configurable: true }
        : undefined,
  });
}

function field(
  owner: string,
  noun: string,
  name: string,
  known: ReadonlyMap<string, RowField>,
): ExpressionBuilder {
  const found = known.get(name);
  if (found?.type?.kind === 'list' || found?.type?.kind === 'counts') {
    return new ExpressionBuilder(severalValues(name, found.type));
  }
  if (found?.type) return ExpressionBuilder.column(name, found.type);
  const slot: ExprSlot =
    found === undefined
      ? problemNode(
          'unknown_name',
          `${owner} has no ${noun} '${name}'.${didYouMean(name, known.keys())}`,
          `Use a ${noun} that exists, or declare it.`,
        )
      : problemNode(
          'invalid_definition',
          `It uses the ${noun} '${name}', which has a problem of its own.`,
          `Fix '${name}' first.`,
        );
  return new ExpressionBuilder(slot);
}

/** Why an expression cannot be built on a feature that is a list or a histogram. */
export function severalValues(name: string, type: ValueType): ProblemNode {
  return problemNode(
    'type_mismatch',
    `The feature '${name}' is a ${typeText(type)}; expressions take single values.`,
    'Read it as it is, or derive from features such as count(), countDistinct() or last().',
  );
}
