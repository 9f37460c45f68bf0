import type { ExprNode } from '../expr/node.ts';
import { referencedColumns } from '../expr/references.ts';
import { exprText } from '../expr/text.ts';
import type { LineageGraph } from './lineage-graph.ts';
import { lineageId } from './lineage-node.ts';
import type { SourceParts } from './lineage-sources.ts';
import type { FeaturePlan, TileGroupPlan, ViewPlan } from './plan.ts';

/** Where the features of views stand in the graph. */
export interface FeatureParts {
  readonly featureOf: (view: string, version: number, feature: string) => number | null;
}

interface Group {
  readonly plan: TileGroupPlan;
  /** Names of the views that share it. */
  readonly views: Set<string>;
}

/** Measures, shared by all that read them, and the features of views. */
export function addFeatures(
  graph: LineageGraph,
  sources: SourceParts,
  views: readonly ViewPlan[],
  groups: readonly TileGroupPlan[],
): FeatureParts {
  const known = groupsOf(views, groups);
  const measures = new Map<string, readonly number[]>();
  for (const [id, group] of known) measures.set(id, placeMeasures(graph, sources, group));
  const features = new Map<string, number>();
  for (const view of views) {
    const { name: definition, version } = view;
    const whole = lineageId({ kind: 'view', definition, version, part: null });
    graph.add({ kind: 'view', definition, version, part: null });
    const own = new Map<string, number>();
    for (const feature of view.features) {
      const { name: part, type } = feature;
      const origins = originsOf(feature, own, known, measures);
      const node = graph.add({ kind: 'feature', definition, version, part, whole, type });
      for (const origin of origins) graph.connect(origin, node, 'value');
      own.set(part, node);
      features.set(`${definition}@${version}.${part}`, node);
    }
  }
  return {
    featureOf: (view, version, feature) => features.get(`${view}@${version}.${feature}`) ?? null,
  };
}

/** The measures that a label of a dataset is finished from, with their nodes. */
export function addLabel(
  graph: LineageGraph,
  sources: SourceParts,
  dataset: string,
  view: ViewPlan,
  groups: readonly TileGroupPlan[],
): number[] {
  const known = groupsOf([{ ...view, name: dataset }], groups);
  const measures = new Map<string, readonly number[]>();
  for (const [id, group] of known) measures.set(id, placeMeasures(graph, sources, group));
  return view.features.flatMap((feature) => originsOf(feature, new Map(), known, measures));
}

function groupsOf(views: readonly ViewPlan[], groups: readonly TileGroupPlan[]) {
  const known = new Map(
    groups.map((plan): [string, Group] => [plan.id, { plan, views: new Set() }]),
  );
  for (const { name, features } of views) {
    for (const feature of features) {
      if (feature.kind === 'aggregate') known.get(feature.group)?.views.add(name);
    }
  }
  return known;
}

function placeMeasures(graph: LineageGraph, sources: SourceParts, { plan, views }: Group) {
  const { id, source, entity, filter, keyColumns } = plan;
  const columns = (node: ExprNode | null): number[] =>
    node === null
      ? []
      : referencedColumns(node).flatMap((name) => sources.columnOf(source, name) ?? []);
  const always = columns(filter);
  const keys = [
    ...keyColumns.flatMap((name) => sources.columnOf(source, name) ?? []),
    ...sources.keysOf(entity).map(({ node }) => node),
  ];
  const rows = sources.rowsOf(source);
  return plan.lanes.map((lane, at) => {
    const node = graph.add({
      kind: 'measure',
      definition: id,
      version: null,
      part: String(at),
      title: measureText(plan, at, sources),
      definitions: [...views],
      type: lane.measure?.type ?? null,
    });
    for (const column of columns(lane.measure)) graph.connect(column, node, 'value');
    for (const column of [...always, ...columns(lane.filter)])
      graph.connect(column, node, 'filter');
    for (const key of keys) graph.connect(key, node, 'key');
    if (rows !== null) graph.connect(rows, node, 'rows');
    return node;
  });
}

/** `payments: amount where kind = 'card'`, in the present names of columns. */
function measureText(plan: TileGroupPlan, at: number, sources: SourceParts): string {
  const { source, filter } = plan;
  const lane = plan.lanes[at];
  const text = (node: ExprNode): string => exprText(withNames(node, source, sources));
  const measure = lane?.measure ? text(lane.measure) : 'rows';
  const conditions = [filter, lane?.filter ?? null].flatMap((one) =>
    one === null ? [] : [text(one)],
  );
  return `${source}: ${measure}${conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''}`;
}

function withNames(node: ExprNode, source: string, sources: SourceParts): ExprNode {
  if (node.kind === 'column') return { ...node, name: sources.nameOf(source, node.name) };
  if (node.kind === 'literal') return node;
  return { ...node, args: node.args.map((arg) => withNames(arg, source, sources)) };
}

function originsOf(
  feature: FeaturePlan,
  own: ReadonlyMap<string, number>,
  groups: ReadonlyMap<string, Group>,
  measures: ReadonlyMap<string, readonly number[]>,
): number[] {
  if (feature.kind === 'derived') {
    return referencedColumns(feature.expr).flatMap((name) => own.get(name) ?? []);
  }
  const group = groups.get(feature.group)?.plan;
  const lanes = Object.values(feature.parts).flatMap(
    (part) => group?.accumulators[part]?.lane ?? [],
  );
  const nodes = measures.get(feature.group);
  return [...new Set(lanes)].flatMap((lane) => nodes?.[lane] ?? []);
}
