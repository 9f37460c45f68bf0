import type { ExprNode } from './node.ts';

/** Names of the columns an expression reads, each once, sorted. */
export function referencedColumns(node: ExprNode): string[] {
  const names = new Set<string>();
  collectColumns(node, names);
  return [...names].sort();
}

function collectColumns(node: ExprNode, names: Set<string>): void {
  if (node.kind === 'column') names.add(node.name);
  if (node.kind === 'call') for (const arg of node.args) collectColumns(arg, names);
}
