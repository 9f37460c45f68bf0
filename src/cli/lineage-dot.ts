import type { LineageAnswer } from '../app/explore.ts';

/** Graphviz: boxes by kind, dashed lines for what only decides which rows count. */
export function lineageDot(answers: readonly LineageAnswer[]): string {
  const nodes = new Map<string, string>();
  const edges = new Set<string>();
  for (const { starts, nodes: reached, edges: between } of answers) {
    for (const { id, title, kind } of [...starts, ...reached]) {
      nodes.set(id, `  ${quoted(id)} [label=${quoted(kind === 'measure' ? title : id)}];`);
    }
    for (const { from, to, how, role } of between) {
      const style = how === 'direct' ? '' : ` [style=dashed, label=${quoted(role)}]`;
      edges.add(`  ${quoted(from)} -> ${quoted(to)}${style};`);
    }
  }
  const head = ['digraph lineage {', '  rankdir=LR;', '  node [shape=box, fontname="monospace"];'];
  return [...head, ...nodes.values(), ...edges, '}'].join('\n');
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
