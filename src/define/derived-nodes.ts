import { DerivedBuilder } from './derived.ts';
import { expressionNode } from './expression.ts';
import { type DerivedNode, nodeOf, type ProblemNode, problemNode } from './node.ts';

export interface NamedDerived {
  readonly name: string;
  readonly feature: DerivedNode | ProblemNode;
}

/** Expressions by name, as the features that they are. */
export function derivedNodes(given: unknown, noun: string): NamedDerived[] {
  return entriesOf(given).map(([name, one]) => ({ name, feature: derivedNode(one, noun) }));
}

/** The entries of whatever a definition's function returned. */
export function entriesOf(given: unknown): [string, unknown][] {
  return typeof given === 'object' && given !== null ? Object.entries(given) : [];
}

function derivedNode(given: unknown, noun: string): DerivedNode | ProblemNode {
  const expr = expressionNode(given);
  if (expr !== null) return DerivedBuilder.of(expr).node;
  const node = nodeOf(given);
  if (node?.kind === 'derived') return node as DerivedNode;
  return problemNode(
    'invalid_definition',
    `This is no ${noun}.`,
    'Write an expression over the features, for example feature.late.div(feature.all).',
  );
}
