import type { LineageGraph, LineageHow, LineageRole } from './lineage-graph.ts';
import { howOf } from './lineage-graph.ts';
import type { LineageNode } from './lineage-node.ts';

export type LineageDirection = 'upstream' | 'downstream';

export interface WalkOptions {
  /** How many edges away at most; absent: all the way. */
  readonly depth?: number;
  /** How many nodes at most, the nearest first; absent: all. */
  readonly limit?: number;
  /** Only where values flow; absent: also what decides which rows count. */
  readonly directOnly?: boolean;
  /** Whether a definition may be shown; what may not ends the walk and is only counted. */
  readonly visible?: (definition: string) => boolean;
}

export interface ReachedNode extends LineageNode {
  /** Edges between it and the nearest start. */
  readonly depth: number;
  /** `direct` where values flow all the way. */
  readonly how: LineageHow;
}

export interface ReachedEdge {
  readonly from: string;
  readonly to: string;
  readonly how: LineageHow;
  readonly role: LineageRole;
}

export interface LineageWalk {
  /** Where it starts: what was named, or its parts. */
  readonly starts: readonly LineageNode[];
  /** By depth, then in the order of the graph; starts are not among them. */
  readonly nodes: readonly ReachedNode[];
  /** Between starts and nodes, in the direction in which values flow. */
  readonly edges: readonly ReachedEdge[];
  /** Definitions that have a part among the nodes, and whether values reach one. */
  readonly definitions: readonly { readonly id: string; readonly how: LineageHow }[];
  /** Nodes that were met and may not be shown. */
  readonly hidden: number;
  /** Whether there is more, beyond the depth or the limit. */
  readonly truncated: boolean;
}

/** Breadth first from the starts, every node once; linear in what is reached. */
export function walkLineage(
  graph: LineageGraph,
  starts: readonly number[],
  direction: LineageDirection,
  options: WalkOptions = {},
): LineageWalk {
  const { nodes, depths, hidden, truncated } = reach(graph, starts, direction, options, false);
  const flowing = reach(graph, starts, direction, options, true).depths;
  const how = (place: number): LineageHow => (flowing.has(place) ? 'direct' : 'indirect');
  const reached = nodes.map(
    (place): ReachedNode => ({
      ...graph.at(place),
      depth: depths.get(place) ?? 0,
      how: how(place),
    }),
  );
  return {
    starts: starts.map((place) => graph.at(place)),
    nodes: reached,
    edges: edgesAmong(graph, depths, options.directOnly ?? false),
    definitions: wholesOf(graph, reached),
    hidden,
    truncated,
  };
}

interface Reached {
  readonly nodes: readonly number[];
  readonly depths: ReadonlyMap<number, number>;
  readonly hidden: number;
  readonly truncated: boolean;
}

function reach(
  graph: LineageGraph,
  starts: readonly number[],
  direction: LineageDirection,
  options: WalkOptions,
  flowing: boolean,
): Reached {
  const { depth: deepest = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = options;
  const depths = new Map<number, number>(starts.map((place) => [place, 0]));
  const hidden = new Set<number>();
  const nodes: number[] = [];
  const directOnly = flowing || (options.directOnly ?? false);
  let level = [...depths.keys()];
  for (let depth = 1; level.length > 0; depth++) {
    const met = new Set<number>();
    for (const place of level) {
      for (const { node, role } of direction === 'upstream'
        ? graph.into(place)
        : graph.outOf(place)) {
        if (directOnly && howOf(role) === 'indirect') continue;
        if (!depths.has(node)) met.add(node);
      }
    }
    const next = [...met].filter((node) => !isHidden(graph.at(node), options.visible));
    if (next.length > 0 && depth > deepest)
      return { nodes, depths, hidden: hidden.size, truncated: true };
    for (const node of depth > deepest ? [] : met) {
      if (isHidden(graph.at(node), options.visible)) hidden.add(node);
    }
    level = next.sort((a, b) => a - b).slice(0, limit - nodes.length);
    for (const place of level) {
      depths.set(place, depth);
      nodes.push(place);
    }
    if (level.length < next.length) return { nodes, depths, hidden: hidden.size, truncated: true };
  }
  return { nodes, depths, hidden: hidden.size, truncated: false };
}

function isHidden(node: LineageNode, visible: WalkOptions['visible']): boolean {
  return visible !== undefined && !node.definitions.some(visible);
}

function edgesAmong(
  graph: LineageGraph,
  reached: ReadonlyMap<number, number>,
  directOnly: boolean,
): ReachedEdge[] {
  const edges: ReachedEdge[] = [];
  for (const place of [...reached.keys()].sort((a, b) => a - b)) {
    const to = graph.at(place).id;
    for (const { node, role } of graph.into(place)) {
      const how = howOf(role);
      if (!reached.has(node) || (directOnly && how === 'indirect')) continue;
      edges.push({ from: graph.at(node).id, to, how, role });
    }
  }
  return edges;
}

function wholesOf(graph: LineageGraph, nodes: readonly ReachedNode[]): LineageWalk['definitions'] {
  const wholes = new Map<string, LineageHow>();
  for (const { whole, id, kind, how } of nodes) {
    const definition = kind === 'dashboard' || kind === 'trained' ? id : whole;
    if (definition === null) continue;
    if (wholes.get(definition) !== 'direct') wholes.set(definition, how);
  }
  const place = (id: string): number => graph.placeOf(id) ?? 0;
  return [...wholes].map(([id, how]) => ({ id, how })).sort((a, b) => place(a.id) - place(b.id));
}
