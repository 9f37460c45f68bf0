import {
  type DashboardNode,
  type DatasetNode,
  type DefinitionNode,
  type EntityNode,
  type ModelNode,
  nodeOf,
  type ServiceNode,
  type SourceNode,
  type ViewNode,
} from '../define/node.ts';

/** The definitions of a project by kind, each node once. */
export interface Collected {
  readonly sources: ReadonlySet<SourceNode>;
  readonly entities: ReadonlySet<EntityNode>;
  readonly views: ReadonlySet<ViewNode>;
  readonly services: ReadonlySet<ServiceNode>;
  readonly datasets: ReadonlySet<DatasetNode>;
  readonly models: ReadonlySet<ModelNode>;
  readonly dashboards: ReadonlySet<DashboardNode>;
}

/**
 * Everything that the given values define or reach: datasets, models and dashboards → services →
 * views → sources and entities, and what queries read. Values that define nothing (a helper that a file exports) are
 * passed over.
 */
export function collect(definitions: Iterable<unknown>): Collected {
  const collector = new Collector();
  for (const definition of flattened(definitions)) collector.visit(definition);
  return collector;
}

class Collector implements Collected {
  readonly sources = new Set<SourceNode>();
  readonly entities = new Set<EntityNode>();
  readonly views = new Set<ViewNode>();
  readonly services = new Set<ServiceNode>();
  readonly datasets = new Set<DatasetNode>();
  readonly models = new Set<ModelNode>();
  readonly dashboards = new Set<DashboardNode>();

  visit(node: DefinitionNode): void {
    if (node.kind === 'stream' || node.kind === 'table') this.#visitSource(node);
    if (node.kind === 'entity') this.entities.add(node);
    if (node.kind === 'view') this.#visitView(node);
    if (node.kind === 'service') this.#visitService(node);
    if (node.kind === 'dataset') this.#visitDataset(node);
    if (node.kind === 'model') {
      this.models.add(node);
      if (node.service !== null) this.#visitService(node.service);
      if (node.trainedOn?.kind === 'dataset') this.#visitDataset(node.trainedOn);
    }
    if (node.kind === 'dashboard') {
      this.dashboards.add(node);
      for (const pick of node.reads) if (pick.kind === 'pick') this.#visitView(pick.view);
    }
  }

  #visitSource(node: SourceNode | null): void {
    if (node === null || this.sources.has(node)) return;
    this.sources.add(node);
    if (node.kind !== 'table' || node.from.kind !== 'query') return;
    for (const { source } of node.from.upstreams) this.#visitSource(source);
  }

  #visitView(node: ViewNode): void {
    this.views.add(node);
    this.#visitSource(node.source);
    if (node.entity !== null) this.entities.add(node.entity);
  }

  #visitService(node: ServiceNode): void {
    this.services.add(node);
    for (const pick of node.picks) if (pick.kind === 'pick') this.#visitView(pick.view);
  }

  #visitDataset(node: DatasetNode): void {
    this.datasets.add(node);
    if (node.service !== null) this.#visitService(node.service);
    const { spine } = node;
    if (spine.kind === 'spine_events') this.#visitSource(spine.source);
    if (spine.kind === 'spine_query') {
      for (const { source } of spine.query.upstreams) this.#visitSource(source);
    }
    for (const { label } of node.labels) {
      if (label.kind === 'problem') continue;
      this.#visitSource(label.source);
      if (label.entity !== null) this.entities.add(label.entity);
    }
  }
}

const DEFINITION_KINDS: ReadonlySet<string> = new Set([
  'stream',
  'table',
  'entity',
  'view',
  'service',
  'dataset',
  'model',
  'dashboard',
]);

/** A list of definitions counts as its members. */
function* flattened(definitions: Iterable<unknown>): Iterable<DefinitionNode> {
  for (const definition of definitions) {
    if (Array.isArray(definition)) yield* flattened(definition);
    const node = nodeOf(definition);
    if (node !== null && DEFINITION_KINDS.has(node.kind)) yield node as DefinitionNode;
  }
}
