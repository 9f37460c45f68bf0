import {
  type DefinitionNode,
  type EntityNode,
  nodeOf,
  type ServiceNode,
  type StreamNode,
  type ViewNode,
} from '../define/node.ts';

/** The definitions of a project by kind, each node once. */
export interface Collected {
  readonly sources: ReadonlySet<StreamNode>;
  readonly entities: ReadonlySet<EntityNode>;
  readonly views: ReadonlySet<ViewNode>;
  readonly services: ReadonlySet<ServiceNode>;
}

/**
 * Everything that the given values define or reach: services → views → sources and entities.
 * Values that define nothing (a helper that a file exports) are passed over.
 */
export function collect(definitions: Iterable<unknown>): Collected {
  const sources = new Set<StreamNode>();
  const entities = new Set<EntityNode>();
  const views = new Set<ViewNode>();
  const services = new Set<ServiceNode>();
  const visitView = (view: ViewNode): void => {
    views.add(view);
    if (view.source !== null) sources.add(view.source);
    if (view.entity !== null) entities.add(view.entity);
  };
  const visit = (node: DefinitionNode): void => {
    if (node.kind === 'stream') sources.add(node);
    if (node.kind === 'entity') entities.add(node);
    if (node.kind === 'view') visitView(node);
    if (node.kind === 'service') {
      services.add(node);
      for (const pick of node.picks) if (pick.kind === 'pick') visitView(pick.view);
    }
  };
  for (const definition of flattened(definitions)) visit(definition);
  return { sources, entities, views, services };
}

const DEFINITION_KINDS: ReadonlySet<string> = new Set(['stream', 'entity', 'view', 'service']);

/** A list of definitions counts as its members. */
function* flattened(definitions: Iterable<unknown>): Iterable<DefinitionNode> {
  for (const definition of definitions) {
    if (Array.isArray(definition)) yield* flattened(definition);
    const node = nodeOf(definition);
    if (node !== null && DEFINITION_KINDS.has(node.kind)) yield node as DefinitionNode;
  }
}
