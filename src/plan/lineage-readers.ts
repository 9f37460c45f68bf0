import { referencedColumns } from '../expr/references.ts';
import { computedOutputs } from './function-outputs.ts';
import { addLabel, type FeatureParts } from './lineage-features.ts';
import type { LineageGraph } from './lineage-graph.ts';
import { lineageId } from './lineage-node.ts';
import type { SourceParts } from './lineage-sources.ts';
import type { DatasetPlan, ProjectPlan, ServicePlan } from './plan.ts';

/** A training set that was built, as the registry knows it. */
export interface TrainedSet {
  readonly name: string;
  /** 1, 2, … of its name. */
  readonly number: number;
  readonly service: { readonly name: string; readonly version: number };
  /** Of the dataset that it was built from, or null. */
  readonly definition: { readonly name: string; readonly version: number } | null;
}

type Parts = ReadonlyMap<string, number>;

interface Service {
  readonly plan: ServicePlan;
  /** Outputs and on-demand features, by name. */
  readonly outputs: Parts;
  readonly request: Parts;
}

/** Services, datasets, models, dashboards and what was trained: all that reads features. */
export function addReaders(
  graph: LineageGraph,
  plan: ProjectPlan,
  sources: SourceParts,
  features: FeatureParts,
  trained: readonly TrainedSet[],
): void {
  const services = new Map(
    plan.services.map((one) => [titleOf(one), placeService(graph, one, features)]),
  );
  const datasets = new Map<string, readonly number[]>();
  for (const dataset of plan.datasets) {
    const service = services.get(`${dataset.service}@${dataset.serviceVersion}`) ?? null;
    datasets.set(titleOf(dataset), placeDataset(graph, dataset, service, sources));
  }
  for (const model of plan.models) {
    const { name: definition, version } = model;
    const whole = lineageId({ kind: 'model', definition, version, part: null });
    const learner = graph.add({ kind: 'model', definition, version, part: null });
    const { trainedOn } = model;
    const learnt =
      trainedOn === undefined ? [] : datasets.get(`${trainedOn.dataset}@${trainedOn.version}`);
    for (const column of learnt ?? []) join(graph, column, learner);
    const outputs = services.get(`${model.service}@${model.serviceVersion}`)?.outputs;
    for (const { name: part, type } of model.reads) {
      const node = graph.add({ kind: 'model_input', definition, version, part, whole, type });
      join(graph, outputs?.get(part), node);
    }
  }
  for (const { name: definition, reads } of plan.dashboards) {
    const node = graph.add({ kind: 'dashboard', definition, version: null, part: null });
    for (const { view, version, feature } of reads) {
      join(graph, features.featureOf(view, version, feature), node);
    }
  }
  for (const { name: definition, number: version, ...origin } of trained) {
    const node = graph.add({ kind: 'trained', definition, version, part: null });
    const columns = origin.definition === null ? null : datasets.get(titleOf(origin.definition));
    const outputs = services.get(titleOf(origin.service))?.outputs;
    for (const column of columns ?? outputs?.values() ?? []) join(graph, column, node);
  }
}

function titleOf({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${version}`;
}

function join(graph: LineageGraph, from: number | null | undefined, to: number): void {
  if (from !== null && from !== undefined) graph.connect(from, to, 'value');
}

function placeService(graph: LineageGraph, plan: ServicePlan, features: FeatureParts): Service {
  const { name: definition, version } = plan;
  const whole = lineageId({ kind: 'service', definition, version, part: null });
  const own = { definition, version, whole };
  graph.add({ kind: 'service', definition, version, part: null });
  const request = new Map<string, number>();
  for (const { name: part, type } of plan.request) {
    request.set(part, graph.add({ kind: 'request', ...own, part, type }));
  }
  const outputs = new Map<string, number>();
  for (const { name: part, type, view, version: viewVersion, feature } of plan.features) {
    const node = graph.add({ kind: 'output', ...own, part, type });
    join(graph, features.featureOf(view, viewVersion, feature), node);
    outputs.set(part, node);
  }
  for (const { name: part, type, reads } of computedOutputs(plan)) {
    const node = graph.add({ kind: 'on_demand', ...own, part, type });
    for (const name of reads) {
      join(graph, request.get(name) ?? outputs.get(name), node);
    }
    outputs.set(part, node);
  }
  return { plan, outputs, request };
}

/** Gives all columns of the dataset: of its spine, its features, its labels. */
function placeDataset(
  graph: LineageGraph,
  plan: DatasetPlan,
  service: Service | null,
  sources: SourceParts,
): number[] {
  const { name: definition, version } = plan;
  const whole = lineageId({ kind: 'dataset', definition, version, part: null });
  const own = { definition, version, whole };
  graph.add({ kind: 'dataset', definition, version, part: null });
  const labels = plan.labels.map(({ name, view, groups }) => ({
    name,
    type: view.features[0]?.type ?? null,
    measures: addLabel(graph, sources, definition, view, groups),
  }));
  const spine = graph.add({ kind: 'spine', ...own, part: null });
  const columns = placeSpine(graph, plan, spine, service, sources);
  for (const [part, output] of service?.outputs ?? []) {
    const { type } = graph.at(output);
    const node = graph.add({ kind: 'dataset_column', ...own, part, type });
    graph.connect(output, node, 'value');
    columns.push(node);
  }
  for (const { name: part, type, measures } of labels) {
    const node = graph.add({ kind: 'dataset_column', ...own, part, type });
    for (const measure of measures) graph.connect(measure, node, 'value');
    columns.push(node);
  }
  for (const column of new Set(columns)) graph.connect(spine, column, 'rows');
  return columns;
}

/** What the spine is made of, and those of its columns that are known by name. */
function placeSpine(
  graph: LineageGraph,
  { name: definition, version, spine: plan, labels }: DatasetPlan,
  spine: number,
  service: Service | null,
  sources: SourceParts,
): number[] {
  const whole = lineageId({ kind: 'dataset', definition, version, part: null });
  const add = (part: string): number =>
    graph.add({ kind: 'dataset_column', definition, version, whole, part });
  if (plan.kind !== 'events') {
    for (const source of plan.kind === 'query' ? new Set(Object.values(plan.upstreams)) : []) {
      for (const column of sources.columnsOf(source)) graph.connect(column, spine, 'value');
      const rows = sources.rowsOf(source);
      if (rows !== null) graph.connect(rows, spine, 'rows');
    }
    const keys = labels.flatMap(({ view }) => Object.keys(view.key));
    const needed = [...(service?.plan.joinKeys ?? []), ...(service?.plan.request ?? [])];
    const names = [...new Set([...needed.map(({ name }) => name), ...keys])].sort();
    return names.map((name) => {
      const node = add(name);
      graph.connect(spine, node, 'value');
      return node;
    });
  }
  const { source, filter } = plan;
  const rows = sources.rowsOf(source);
  if (rows !== null) graph.connect(rows, spine, 'rows');
  for (const name of filter === null ? [] : referencedColumns(filter)) {
    const column = sources.columnOf(source, name);
    if (column !== null) graph.connect(column, spine, 'filter');
  }
  return Object.entries(plan.columns).map(([name, column]) => {
    const node = add(name);
    join(graph, sources.columnOf(source, column), node);
    return node;
  });
}
