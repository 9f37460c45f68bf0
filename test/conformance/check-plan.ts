import assert from 'node:assert/strict';
import type { AccumulatorSpec } from '../../src/aggregate/spec.ts';
import type { WindowSpec } from '../../src/aggregate/window.ts';
import type {
  AggregateNode,
  DefinitionNode,
  ServiceNode,
  ViewNode,
  WindowNode,
} from '../../src/define/node.ts';
import type { ExprNode } from '../../src/expr/node.ts';
import { exprText } from '../../src/expr/text.ts';
import type {
  AggregateFeaturePlan,
  LanePlan,
  ProjectPlan,
  ServicePlan,
  ViewPlan,
} from '../../src/plan/plan.ts';

/**
 * Holds a plan to the definitions it was made from. The oracle reads the plan as every engine does,
 * so what is lost between the two would be lost on all sides alike.
 */
export function checkPlan(definitions: readonly DefinitionNode[], plan: ProjectPlan): void {
  const services = definitions.filter((node): node is ServiceNode => node.kind === 'service');
  for (const service of services) {
    const views = service.picks.flatMap((pick) => (pick.kind === 'pick' ? [pick.view] : []));
    for (const node of views) {
      const view = plan.views.find((one) => one.name === node.name && one.version === node.version);
      assert.ok(view !== undefined, `the plan has the view ${node.name}`);
      checkView(node, view, plan);
    }
    const planned = plan.services.find((one) => one.name === service.name);
    const picked = service.picks.flatMap((pick) => {
      if (pick.kind !== 'pick') return [];
      const all = namesInOrder(pick.view).map((name) => ({ name, feature: name }));
      const { name: view, version } = pick.view;
      return (pick.features ?? all).map(({ name, feature }) => [name, view, version, feature]);
    });
    const outputs = planned?.features.map(({ name, view, version, feature }) => [
      name,
      view,
      version,
      feature,
    ]);
    assert.deepEqual(outputs, picked, 'the outputs of the service');
    checkOnDemand(service, planned);
  }
}

function checkOnDemand(service: ServiceNode, planned: ServicePlan | undefined): void {
  const fields = service.request.flatMap(({ name, column }) =>
    column.kind === 'problem' ? [] : [[name, column.type, column.optional]],
  );
  const request = planned?.request.map(({ name, type, optional }) => [name, type, optional]);
  assert.deepEqual(request, fields.sort(), 'the request fields of the service');
  assert.deepEqual(
    planned?.onDemand.map(({ name, expr }) => [name, exprText(expr)]),
    service.onDemand.map(({ name, feature }) => {
      return [name, feature.kind === 'derived' ? textOf(feature.expr) : ''];
    }),
    'the on-demand features of the service',
  );
}

/** Aggregates by name, then derived features by name. */
function namesInOrder({ features }: ViewNode): string[] {
  const ofKind = (kind: string): string[] =>
    features.filter(({ feature }) => feature.kind === kind).map(({ name }) => name);
  return [...ofKind('aggregate').sort(), ...ofKind('derived').sort()];
}

function checkView(node: ViewNode, view: ViewPlan, plan: ProjectPlan): void {
  assert.equal(view.source, node.source?.name);
  assert.deepEqual({ ...view.key }, { ...node.key });
  assert.equal(textOf(view.filter), textOf(node.filter));
  assert.equal(view.features.length, node.features.length);
  for (const { name, feature } of node.features) {
    const planned = view.features.find((one) => one.name === name);
    assert.equal(planned?.kind, feature.kind, name);
    if (feature.kind === 'derived' && planned?.kind === 'derived') {
      assert.equal(textOf(planned.expr), textOf(feature.expr), name);
    }
    if (feature.kind !== 'aggregate' || planned?.kind !== 'aggregate') continue;
    checkAggregate(feature, planned, view, plan);
  }
}

function checkAggregate(
  node: AggregateNode,
  feature: AggregateFeaturePlan,
  view: ViewPlan,
  plan: ProjectPlan,
): void {
  const { name, parts } = feature;
  const group = plan.groups.find(({ id }) => id === feature.group);
  assert.ok(group !== undefined, name);
  assert.equal(group.source, view.source, name);
  assert.equal(textOf(group.filter), textOf(view.filter), name);
  const joinKeys = plan.entities.find((entity) => entity.name === view.entity)?.joinKeys ?? [];
  assert.deepEqual(
    group.keyColumns,
    joinKeys.map((key) => view.key[key.name]),
    name,
  );
  const form = { variance: 'var', stddev: 'stddev' }[node.fn as string];
  const plain = NAMES[node.fn] ?? node.fn;
  const fn = form === undefined ? plain : `${form}_${node.sample ? 'samp' : 'pop'}`;
  assert.equal(feature.fn, fn, name);
  assert.equal(feature.count, node.count, name);
  assert.equal(feature.ttlMs, node.ttl === null ? null : spanMs(node.ttl), name);
  assert.equal(feature.rankPpm, node.rank === null ? null : Math.round(node.rank * 1e6), name);
  assert.deepEqual(group.windows[feature.window], windowOf(node.window), name);
  const keep = view.source === null ? null : keepOf(plan, view.source);
  assert.equal(group.retractable, keep !== null, name);
  assert.equal(group.keep, keep ?? 0, name);
  const kept = keep === null ? KEPT : { ...KEPT, ...KEPT_FOR_RETRACTIONS };
  const { measure, filter, scale } = expectedLane(node);
  for (const [part, index] of Object.entries(parts)) {
    const accumulator: AccumulatorSpec | undefined = group.accumulators[index];
    const names: Record<string, string> = { sumSquares: 'sum_squares', value: kept[fn] ?? fn };
    assert.equal(accumulator?.fn, names[part] ?? part, name);
    assert.equal(accumulator?.size, sizeOf(node, keep), name);
    assert.equal(group.lanes[accumulator?.lane ?? -1]?.nullable ?? false, fn === 'latest', name);
    const lane: LanePlan | undefined = group.lanes[accumulator?.lane ?? -1];
    assert.ok(lane !== undefined, name);
    assert.equal(textOf(lane.measure), measure, name);
    assert.equal(textOf(lane.filter), filter, name);
    assert.equal(lane.quantizeScale, scale, name);
  }
}

const NAMES: Readonly<Record<string, string>> = {
  countDistinct: 'count_distinct',
  median: 'quantile',
  topK: 'top_k',
  firstN: 'first_n',
  lastN: 'last_n',
};

/** What the functions with several entries are finished from. */
const KEPT: Readonly<Record<string, string>> = {
  count_distinct: 'distinct',
  quantile: 'buckets',
  top_k: 'value_counts',
  histogram: 'value_counts',
  first_n: 'oldest',
  last_n: 'newest',
};

/** Where events can be taken back, these keep some more. */
const KEPT_FOR_RETRACTIONS: Readonly<Record<string, string>> = {
  min: 'least',
  max: 'greatest',
  first: 'oldest',
  last: 'newest',
};

/** Of a source whose events can be taken back. */
function keepOf(plan: ProjectPlan, name: string): number | null {
  const source = plan.sources.find((one) => one.name === name);
  return source?.changes?.keep ?? source?.table?.keep ?? null;
}

function sizeOf(
  { fn, size, count, relativeError }: AggregateNode,
  keep: number | null,
): number | undefined {
  switch (fn) {
    case 'countDistinct':
      return size ?? 1024;
    case 'topK':
    case 'histogram':
      return size ?? 1000;
    case 'firstN':
    case 'lastN':
      return (count ?? 0) + (keep ?? 0);
    case 'min':
    case 'max':
    case 'first':
    case 'last':
      return keep ?? undefined;
    case 'latest':
      return keep ?? 1;
    case 'quantile':
    case 'median':
      // The fewest bits b with 2^-(b + 1) <= relativeError.
      return Math.max(1, Math.ceil(-Math.log2(relativeError ?? 0.005) - 1));
    default:
      return undefined;
  }
}

interface ExpectedLane {
  readonly measure: string;
  readonly filter: string;
  readonly scale: number | null;
}

function expectedLane({ fn, measure, filter, scale }: AggregateNode): ExpectedLane {
  const filterText = textOf(filter);
  if (measure === null || measure.kind === 'problem') {
    return { measure: '', filter: filterText, scale: null };
  }
  if (fn === 'count' && measure.type.kind === 'bool') {
    // A bool is counted by a filter that asks whether it is there.
    const exists: ExprNode = {
      kind: 'call',
      op: 'is_not_null',
      args: [measure],
      type: measure.type,
    };
    const both: ExprNode | null =
      filter === null || filter.kind === 'problem'
        ? exists
        : { kind: 'call', op: 'and', args: [filter, exists], type: measure.type };
    return { measure: '', filter: textOf(both), scale: null };
  }
  const sums = ['sum', 'avg', 'variance', 'stddev', 'countDistinct', 'quantile', 'median'];
  const isSummed = sums.includes(fn);
  const isQuantized = isSummed && measure.type.kind === 'float64';
  const own = measure.kind === 'column' && measure.type.kind === 'float64' ? measure.type.scale : 6;
  return {
    measure: textOf(measure),
    filter: filterText,
    scale: isQuantized ? (scale ?? own) : null,
  };
}

function textOf(node: AggregateNode['measure']): string {
  return node === null || node.kind === 'problem' ? '' : exprText(node);
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function spanMs(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(count) * (UNITS_MS[unit] ?? Number.NaN);
}

/** The default hop of each size that comes up, from the table of the semantics (§5). */
const DEFAULT_HOPS: Readonly<Record<string, string>> = {
  '5s': '100ms',
  '50s': '1s',
  '1m': '1s',
  '10m': '10s',
  '13m': '10s',
  '1h': '1m',
  '3h': '1m',
  '1d': '15m',
  '7d': '3h',
};

function windowOf(node: AggregateNode['window']): WindowSpec | null {
  if (node === null || node.kind === 'problem') return null;
  return resolved(node);
}

function resolved(node: WindowNode): WindowSpec {
  switch (node.kind) {
    case 'sliding': {
      const { complete } = node;
      const hop = node.hop ?? DEFAULT_HOPS[node.size] ?? '';
      const hopMs = node.exact ? 1 : spanMs(hop);
      return { kind: 'sliding', sizeMs: spanMs(node.size), hopMs, exact: node.exact, complete };
    }
    case 'tumbling': {
      const offsetMs = node.offset === null ? 0 : spanMs(node.offset);
      return { kind: 'tumbling', sizeMs: spanMs(node.size), offsetMs, complete: node.complete };
    }
    case 'session':
      return { kind: 'session', gapMs: spanMs(node.gap) };
    case 'lifetime': {
      const hopMs = node.hop === null ? 1 : spanMs(node.hop);
      return { kind: 'lifetime', hopMs, complete: node.complete };
    }
  }
}
