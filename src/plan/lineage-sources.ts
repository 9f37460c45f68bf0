import type { LineageGraph, LineageRole } from './lineage-graph.ts';
import { lineageId } from './lineage-node.ts';
import type { EntityPlan, ProjectPlan, SourcePlan } from './plan.ts';

/** Where the parts of sources and entities stand in the graph. */
export interface SourceParts {
  /** By its first name, or null where the source has no such column. */
  readonly columnOf: (source: string, column: string) => number | null;
  /** What decides which rows of the source there are, or null of an unknown source. */
  readonly rowsOf: (source: string) => number | null;
  readonly keysOf: (entity: string) => readonly { readonly name: string; readonly node: number }[];
  readonly columnsOf: (source: string) => readonly number[];
  readonly nameOf: (source: string, column: string) => string;
}

interface Placed {
  readonly columns: Map<string, number>;
  readonly names: ReadonlyMap<string, string>;
  readonly rows: number;
}

/** Adds upstream columns, columns and join keys, each source after those that its query reads. */
export function addSources(graph: LineageGraph, plan: ProjectPlan): SourceParts {
  const sources = new Map(plan.sources.map((source) => [source.name, source]));
  const placed = new Map<string, Placed>();
  const begun = new Set<string>();
  const place = (source: SourcePlan): void => {
    if (begun.has(source.name)) return;
    begun.add(source.name);
    const from = source.origin?.from;
    const read = from?.kind === 'query' ? [...new Set(Object.values(from.upstreams))].sort() : [];
    for (const name of read) {
      const upstream = sources.get(name);
      if (upstream !== undefined) place(upstream);
    }
    placed.set(source.name, placeSource(graph, source, read, placed));
  };
  for (const source of plan.sources) place(source);
  const keys = new Map(plan.entities.map((entity) => [entity.name, placeKeys(graph, entity)]));
  return {
    columnOf: (source, column) => placed.get(source)?.columns.get(column) ?? null,
    rowsOf: (source) => placed.get(source)?.rows ?? null,
    keysOf: (entity) => keys.get(entity) ?? [],
    columnsOf: (source) => [...(placed.get(source)?.columns.values() ?? [])],
    nameOf: (source, column) => placed.get(source)?.names.get(column) ?? column,
  };
}

function placeSource(
  graph: LineageGraph,
  source: SourcePlan,
  read: readonly string[],
  placed: ReadonlyMap<string, Placed>,
): Placed {
  const { name: definition, origin } = source;
  const whole = lineageId({ kind: 'source', definition, version: null, part: null });
  const own = { definition, version: null, whole };
  graph.add({ kind: 'source', definition, version: null, part: null });
  const query = origin?.from.kind === 'query' ? placeQuery(graph, own, read, placed) : null;
  const upstreamNames = new Map(Object.entries(origin?.rename ?? {}).map(([up, own]) => [own, up]));
  const columns = new Map<string, number>();
  const names = new Map<string, string>();
  for (const { name, alias, type } of source.columns) {
    if (name.startsWith('__')) continue;
    names.set(name, alias ?? name);
    const upstream =
      origin === null || origin.from.kind === 'query'
        ? query
        : graph.add({
            kind: 'upstream',
            definition,
            version: null,
            part: upstreamNames.get(name) ?? name,
          });
    const node = graph.add({ kind: 'column', ...own, part: alias ?? name, type });
    if (upstream !== null) graph.connect(upstream, node, 'value');
    columns.set(name, node);
  }
  const rows = graph.add({ kind: 'rows', ...own, part: null });
  for (const [column, role] of rowRoles(source)) {
    const node = columns.get(column);
    if (node !== undefined) graph.connect(node, rows, role);
  }
  if (query !== null) graph.connect(query, rows, 'rows');
  return { columns, names, rows };
}

/** Nobody looks into SQL: all that it reads may flow into all that it makes. */
function placeQuery(
  graph: LineageGraph,
  own: { readonly definition: string; readonly version: null; readonly whole: string },
  read: readonly string[],
  placed: ReadonlyMap<string, Placed>,
): number {
  const query = graph.add({ kind: 'query', ...own, part: null });
  for (const upstream of read.flatMap((name) => placed.get(name) ?? [])) {
    for (const column of upstream.columns.values()) graph.connect(column, query, 'value');
    graph.connect(upstream.rows, query, 'rows');
  }
  return query;
}

/** Columns that decide which rows there are, in which order, and since when they are known. */
function* rowRoles({ eventTime, arrivalTime, id, changes, origin }: SourcePlan) {
  const roles: [column: string | null | undefined, role: LineageRole][] = [
    [eventTime, 'time'],
    [arrivalTime, 'arrival'],
    [id, 'id'],
    [changes?.column, 'rows'],
    [changes?.sequence, 'rows'],
    [origin?.snapshot?.dayColumn, 'time'],
    [origin?.unitBy, 'unit'],
    ...(origin?.key ?? []).map((key): [string, LineageRole] => [key, 'id']),
  ];
  for (const [column, role] of roles) {
    if (column !== null && column !== undefined) yield [column, role] as const;
  }
}

function placeKeys(graph: LineageGraph, { name: definition, joinKeys }: EntityPlan) {
  const whole = lineageId({ kind: 'entity', definition, version: null, part: null });
  graph.add({ kind: 'entity', definition, version: null, part: null });
  return joinKeys.map(({ name, type }) => ({
    name,
    node: graph.add({ kind: 'key', definition, version: null, part: name, whole, type }),
  }));
}
