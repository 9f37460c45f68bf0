import type { QueryNode, SourceNode, TableNode } from '../define/node.ts';
import { NAME_PATTERN } from '../schema/types.ts';
import { compareText } from './canonical.ts';
import type { IssueList } from './issue-list.ts';
import type { SourcePlan } from './plan.ts';

/** A query, checked: what it reads, by its name in the SQL, and the SQL. */
export interface ResolvedQuery {
  readonly upstreams: Readonly<Record<string, string>>;
  readonly sql: string;
  /** Of what it reads, by its name in the SQL: what a hash counts. */
  readonly meanings: Readonly<Record<string, string>>;
}

/** Checks and resolves SQL over named sources; that it reads no others is seen when it runs. */
export function resolveQuery(
  node: QueryNode,
  sourceOf: (node: SourceNode) => SourcePlan | null,
  path: string,
  issues: IssueList,
): ResolvedQuery {
  if (node.sql.trim() === '') {
    issues.add('invalid_definition', `${path}.sql`, 'The query is empty.', 'Write SELECT ….');
  }
  if (node.upstreams.length === 0) {
    const remedy = "Name what it reads: query({ orders }, 'SELECT … FROM orders').";
    issues.add('invalid_definition', path, 'The query reads nothing.', remedy);
  }
  const read: [alias: string, source: SourcePlan][] = [];
  for (const { alias, source } of node.upstreams) {
    if (!NAME_PATTERN.test(alias))
      issues.checkName(`${path}.${alias}`, 'what a query reads', alias);
    if (source === null) {
      const remedy = 'Name a stream() or a table().';
      issues.add('invalid_definition', `${path}.${alias}`, `'${alias}' is no source.`, remedy);
      continue;
    }
    const resolved = sourceOf(source);
    if (resolved !== null) read.push([alias, resolved]);
  }
  read.sort(([a], [b]) => compareText(a, b));
  return {
    upstreams: Object.fromEntries(read.map(([alias, source]) => [alias, source.name])),
    sql: node.sql,
    meanings: Object.fromEntries(read.map(([alias, source]) => [alias, source.hash])),
  };
}

/** How a table's queries reach back: to a source of its own name, further than may be, or neither. */
export function reachOf(table: TableNode, most: number): 'itself' | 'too far' | 'sound' {
  let level: ReadonlySet<SourceNode> = new Set([table]);
  for (let depth = 0; depth <= most; depth++) {
    const next = new Set([...level].flatMap(upstreamsOf));
    if ([...next].some(({ name }) => name === table.name)) return 'itself';
    if (next.size === 0) return 'sound';
    level = next;
  }
  return 'too far';
}

function upstreamsOf(node: SourceNode): SourceNode[] {
  if (node.kind !== 'table' || node.from.kind !== 'query') return [];
  return node.from.upstreams.flatMap(({ source }) => (source === null ? [] : [source]));
}
