import type { LineageAnswer } from '../app/explore.ts';

/** One line of a tree of lineage. */
export interface TreeLine {
  readonly indent: string;
  readonly branch: string;
  readonly text: string;
  /** What it computes, in which role it counts, whether it stands above already. */
  readonly note: string;
  readonly how: 'direct' | 'indirect';
}

interface Child {
  readonly id: string;
  readonly roles: readonly string[];
  readonly how: 'direct' | 'indirect';
}

/** The graph as a tree from its node on: what was reached twice is told twice and shown once. */
export function lineageTree(answer: LineageAnswer): TreeLine[] {
  const children = childrenOf(answer);
  const titles = new Map(
    [...answer.starts, ...answer.nodes].map(({ id, title, kind }) => [
      id,
      kind === 'measure' ? { text: `measure ${title}`, note: '' } : { text: id, note: '' },
    ]),
  );
  const lines: TreeLine[] = [];
  const shown = new Set<string>();
  const show = (of: readonly Child[], indent: string): void => {
    of.forEach(({ id, roles, how }, at) => {
      const isLast = at === of.length - 1;
      const below = children.get(id) ?? [];
      const again = shown.has(id) && below.length > 0;
      shown.add(id);
      const line = how === 'direct' ? '─' : '┄';
      const notes = [...roles.filter((role) => role !== 'value'), ...(again ? ['see above'] : [])];
      lines.push({
        indent,
        branch: `${isLast ? '└' : '├'}${line} `,
        text: titles.get(id)?.text ?? id,
        note: notes.join(', '),
        how,
      });
      if (!again) show(below, `${indent}${isLast ? '   ' : '│  '}`);
    });
  };
  const { node, starts } = answer;
  const isWhole = starts.length !== 1 || starts[0]?.id !== node.id;
  const parts = starts.map(({ id }): Child => ({ id, roles: [], how: 'direct' }));
  show(isWhole ? parts : (children.get(node.id) ?? []), '');
  return lines;
}

/** By node, what lies one edge away: values first, then what only decides which rows count. */
function childrenOf({ edges, direction }: LineageAnswer): ReadonlyMap<string, readonly Child[]> {
  const children = new Map<string, Map<string, Child>>();
  for (const { from, to, role, how } of edges) {
    const [parent, id] = direction === 'upstream' ? [to, from] : [from, to];
    const own = children.get(parent) ?? new Map<string, Child>();
    children.set(parent, own);
    const before = own.get(id);
    own.set(id, {
      id,
      roles: [...(before?.roles ?? []), role],
      how: before?.how === 'direct' ? 'direct' : how,
    });
  }
  return new Map(
    [...children].map(([parent, own]) => {
      const list = [...own.values()];
      const flowing = list.filter(({ how }) => how === 'direct');
      return [parent, [...flowing, ...list.filter(({ how }) => how === 'indirect')]];
    }),
  );
}
