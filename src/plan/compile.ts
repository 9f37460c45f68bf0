import {
  type DatasetNode,
  deepFreeze,
  type EntityNode,
  type ServiceNode,
  type SourceNode,
  type ViewNode,
} from '../define/node.ts';
import { byName, byNameAndVersion, canonicalJson } from './canonical.ts';
import { collect } from './collect.ts';
import { resolveDataset } from './dataset-plan.ts';
import { groupViews } from './group-plan.ts';
import { IssueList } from './issue-list.ts';
import { resolveDashboard, resolveModel } from './model-plan.ts';
import type { ProjectPlan, SourcePlan } from './plan.ts';
import { resolveService } from './service-plan.ts';
import { resolveEntity, resolveStream } from './source-plan.ts';
import { resolveTable } from './table-plan.ts';
import { resolveView, type ViewDraft } from './view-plan.ts';

/**
 * Compiles definitions (a file's exports, lists of them included) and all that they reach into one
 * canonical plan. The plan depends on what is defined, never on the order or the names of
 * variables; it is frozen, plain JSON, and its hashes cover meaning alone (semantics §7).
 *
 * @example compileProject(Object.values(await import('./features.ts')))
 * @throws AsofError `invalid_definition` with every issue of the project at once
 */
export function compileProject(definitions: Iterable<unknown>): ProjectPlan {
  const issues = new IssueList();
  const found = collect(definitions);
  const sources = resolveSources(found.sources, issues);
  const entities = resolveAll(found.entities, (node) => resolveEntity(node, issues));
  const views = resolveAll(found.views, (node: ViewNode) => {
    const source = node.source === null ? null : (sources.get(node.source) ?? null);
    const entity = node.entity === null ? null : (entities.get(node.entity) ?? null);
    return resolveView(node, source, entity, issues);
  });
  const entityOf = (view: ViewDraft) =>
    [...entities.values()].find((entity) => entity.name === view.entity) ?? null;
  const services = resolveAll(found.services, (node) =>
    resolveService(node, { viewOf: (view) => views.get(view) ?? null, entityOf }, issues),
  );
  const parts = {
    sourceOf: (node: SourceNode) => sources.get(node) ?? null,
    entityOf: (node: EntityNode) => entities.get(node) ?? null,
    serviceOf: (node: ServiceNode) => services.get(node) ?? null,
  };
  const datasets = resolveAll(found.datasets, (node) => resolveDataset(node, parts, issues));
  const models = resolveAll(found.models, (node) =>
    resolveModel(
      node,
      { ...parts, datasetOf: (dataset: DatasetNode) => datasets.get(dataset) ?? null },
      issues,
    ),
  );
  const dashboards = resolveAll(found.dashboards, (node) =>
    resolveDashboard(node, (view) => views.get(view) ?? null, issues),
  );
  const isEmpty = Object.values(found).every((kind) => kind.size === 0);
  if (isEmpty) {
    const remedy = 'Export a stream(), a table(), an entity(), a view() or a service().';
    issues.add('invalid_definition', 'definitions', 'Nothing is defined.', remedy);
  }
  const unique = {
    sources: onePerName('sources', sources.values(), issues),
    entities: onePerName('entities', entities.values(), issues),
    views: onePerName('views', views.values(), issues),
    services: onePerName('services', services.values(), issues),
    datasets: onePerName('datasets', datasets.values(), issues),
    models: onePerName('models', models.values(), issues),
    dashboards: onePerName('dashboards', dashboards.values(), issues),
  };
  issues.throwIfAny();
  const grouped = groupViews(unique.views.sort(byNameAndVersion));
  return deepFreeze({
    format: 1,
    sources: unique.sources.sort(byName),
    entities: unique.entities.sort(byName),
    groups: grouped.groups,
    views: grouped.views,
    services: unique.services.sort(byNameAndVersion),
    datasets: unique.datasets.sort(byNameAndVersion),
    models: unique.models.sort(byNameAndVersion),
    dashboards: unique.dashboards.sort(byName),
  });
}

/** Each source once, and after those that its query reads. */
function resolveSources(
  nodes: Iterable<SourceNode>,
  issues: IssueList,
): ReadonlyMap<SourceNode, SourcePlan> {
  const resolved = new Map<SourceNode, SourcePlan>();
  const sourceOf = (node: SourceNode): SourcePlan => {
    const before = resolved.get(node);
    if (before !== undefined) return before;
    const source =
      node.kind === 'table' ? resolveTable(node, sourceOf, issues) : resolveStream(node, issues);
    resolved.set(node, source);
    return source;
  };
  for (const node of nodes) sourceOf(node);
  return resolved;
}

function resolveAll<Node, Resolved>(
  nodes: Iterable<Node>,
  resolve: (node: Node) => Resolved | null,
): Map<Node, Resolved> {
  const resolved = new Map<Node, Resolved>();
  for (const node of nodes) {
    const one = resolve(node);
    if (one !== null) resolved.set(node, one);
  }
  return resolved;
}

interface Definition {
  readonly name: string;
  readonly version?: number;
  readonly hash: string;
}

/** Equal definitions of one name@version are one; different ones are a conflict (semantics §7). */
function onePerName<T extends Definition>(
  kind: keyof Omit<ProjectPlan, 'format' | 'groups'>,
  definitions: Iterable<T>,
  issues: IssueList,
): T[] {
  const unique = new Map<string, T>();
  for (const definition of definitions) {
    const { name, version } = definition;
    const title = version === undefined ? name : `${name}@${version}`;
    const other = unique.get(title);
    if (other === undefined) {
      unique.set(title, definition);
    } else if (other.hash !== definition.hash) {
      const remedy =
        version === undefined ? 'Rename one of the two.' : 'Raise one of the versions.';
      const message = `'${title}' is defined twice, with two meanings.`;
      issues.add('version_conflict', `${kind}.${name}`, message, remedy);
    } else if (canonicalJson(other) !== canonicalJson(definition)) {
      const message = `'${title}' is defined twice, described in two ways.`;
      issues.add('invalid_definition', `${kind}.${name}`, message, 'Keep one of the two.');
    }
  }
  return [...unique.values()];
}
