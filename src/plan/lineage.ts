import { AsofError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { addFeatures } from './lineage-features.ts';
import { LineageGraph } from './lineage-graph.ts';
import { DEFINITION_NODES, type LineageNode } from './lineage-node.ts';
import { addReaders, type TrainedSet } from './lineage-readers.ts';
import { addSources } from './lineage-sources.ts';
import {
  type LineageDirection,
  type LineageWalk,
  type WalkOptions,
  walkLineage,
} from './lineage-walk.ts';
import type { ProjectPlan } from './plan.ts';

export type { TrainedSet } from './lineage-readers.ts';
export type {
  LineageDirection,
  LineageWalk,
  ReachedEdge,
  ReachedNode,
  WalkOptions,
} from './lineage-walk.ts';

/**
 * Where values come from and where they go, column by column: from upstream columns through
 * measures and features to services, datasets, models and dashboards. Of what is accepted: that a
 * row which does not fit its schema is rejected makes no edge.
 *
 * @example
 * const lineage = Lineage.of(plan);
 * lineage.downstreamOf(['column:payments.amount']).definitions; // what reads it, as a whole
 */
export class Lineage {
  readonly #graph: LineageGraph;

  private constructor(graph: LineageGraph) {
    this.#graph = graph;
  }

  /** Linear in the plan. Pure; a plan that names what it lacks gives a graph without that. */
  static of(plan: ProjectPlan, trained: readonly TrainedSet[] = []): Lineage {
    const graph = new LineageGraph();
    const sources = addSources(graph, plan);
    const features = addFeatures(graph, sources, plan.views, plan.groups);
    addReaders(graph, plan, sources, features, trained);
    return new Lineage(graph);
  }

  /** Every node, each after all that it comes from. */
  get nodes(): readonly LineageNode[] {
    return this.#graph.nodes;
  }

  /** The node of an id, or null. */
  node(id: string): LineageNode | null {
    const place = this.#graph.placeOf(id);
    return place === null ? null : this.#graph.at(place);
  }

  /** All that the nodes come from; of a definition, all that its parts come from. Unknown ids give none. */
  upstreamOf(ids: readonly string[], options: WalkOptions = {}): LineageWalk {
    return this.walk(ids, 'upstream', options);
  }

  /** All that comes from the nodes; of a definition, from any of its parts. Unknown ids give none. */
  downstreamOf(ids: readonly string[], options: WalkOptions = {}): LineageWalk {
    return this.walk(ids, 'downstream', options);
  }

  walk(
    ids: readonly string[],
    direction: LineageDirection,
    options: WalkOptions = {},
  ): LineageWalk {
    const places = ids.flatMap((id) => {
      const place = this.#graph.placeOf(id);
      if (place === null) return [];
      const parts = this.#graph.parts(id);
      return parts.length > 0 ? parts : [place];
    });
    const starts = [...new Set(places)].sort((a, b) => a - b);
    return walkLineage(this.#graph, starts, direction, options);
  }

  /**
   * The node that a text means: an id, or what stands after its kind, or a plain name. What hands a
   * value on has its name too, so the one that makes it is meant; and the newest version.
   *
   * @throws AsofError `unknown_name`, which names only what may be seen
   */
  find(text: string, visible: (definition: string) => boolean = () => true): LineageNode {
    const exact = this.node(text);
    if (exact?.definitions.some(visible)) return exact;
    const seen = this.nodes.filter(({ definitions }) => definitions.some(visible));
    const plain = seen.filter(({ id }) => afterKind(id) === text);
    const named = newest(plain.length > 0 ? plain : seen.filter((one) => isNamed(one, text)));
    const makes = Math.min(...named.map(({ kind }) => rankOf(kind)));
    const meant = named.filter(({ kind }) => rankOf(kind) === makes);
    const [only] = meant;
    if (only !== undefined && meant.length === 1) return only;
    const several = meant.length > 1;
    const message = several ? `'${text}' can mean several things.` : `There is no '${text}'.`;
    const known = several ? meant.map(({ id }) => id) : nearTo(text, seen);
    throw new AsofError('unknown_name', message + didYouMean(several ? '' : text, known), {
      remedy: 'Write it with its kind, as in `feature:fraud.spend@2.total_1h`.',
    });
  }
}

/** Of nodes that differ in their versions alone those of the newest. */
function newest(nodes: readonly LineageNode[]): LineageNode[] {
  const found = new Map<string, LineageNode>();
  for (const node of nodes) {
    const title = `${node.kind} ${node.definition} ${node.part}`;
    const other = found.get(title);
    if (other === undefined || (other.version ?? 0) < (node.version ?? 0)) found.set(title, node);
  }
  return [...found.values()];
}

/** Definitions, then what values are made in, then what hands them on, then what stands for rows. */
const RANKS: readonly (readonly LineageNode['kind'][])[] = [
  DEFINITION_NODES,
  ['column', 'feature', 'on_demand', 'request', 'key'],
  ['output'],
  ['dataset_column', 'model_input', 'upstream'],
];

function rankOf(kind: LineageNode['kind']): number {
  const rank = RANKS.findIndex((kinds) => kinds.includes(kind));
  return rank < 0 ? RANKS.length : rank;
}

function afterKind(id: string): string {
  return id.slice(id.indexOf(':') + 1);
}

/** `total_1h`, or a definition without its version. */
function isNamed({ definition, part, kind }: LineageNode, text: string): boolean {
  if (kind === 'measure') return false;
  return (part ?? definition) === text;
}

/** What could have been meant, in the form in which it was written. */
function nearTo(text: string, seen: readonly LineageNode[]): string[] {
  const written = seen.filter(({ kind }) => kind !== 'measure');
  if (text.includes(':')) return written.map(({ id }) => id);
  if (text.includes('.') || text.includes('@')) return written.map(({ id }) => afterKind(id));
  return [...new Set(written.map(({ definition, part }) => part ?? definition))];
}
