import { formatBytes } from '../base/byte-size.ts';
import { formatDuration } from '../base/duration.ts';
import type { ExprNode } from '../expr/node.ts';
import { exprText } from '../expr/text.ts';
import { typeText } from '../schema/types.ts';
import { byName, canonicalJson } from './canonical.ts';
import { addExpectations, addMeta, changes, type Fields } from './diff-fields.ts';
import { tableMetadata, upstreamSentences } from './diff-source-text.ts';
import { aggregateMeaning } from './hash.ts';
import { errorOfBits } from './parameters.ts';
import type {
  AggregateFeaturePlan,
  EntityPlan,
  ExpectationPlan,
  FeaturePlan,
  LabelPlan,
  Meta,
  ProjectPlan,
  ServicePlan,
  StatePlan,
  TableOriginPlan,
  ViewPlan,
} from './plan.ts';
import { windowText } from './window-plan.ts';

/** What every definition has; the rest depends on its kind. */
export interface Definition {
  readonly name: string;
  readonly version?: number;
  readonly hash: string;
  readonly meta: Meta;
  readonly freshnessMs?: number | null;
  readonly state?: StatePlan;
  readonly features?: readonly { readonly name: string; readonly meta?: Meta }[];
  readonly onDemand?: readonly { readonly name: string; readonly meta: Meta }[];
  readonly labels?: readonly LabelPlan[];
  readonly expectations?: Readonly<Record<string, ExpectationPlan>>;
  readonly origin?: TableOriginPlan | null;
}

export function entitySentences(before: EntityPlan, after: EntityPlan): string[] {
  const fields = (entity: EntityPlan): Fields =>
    new Map(entity.joinKeys.map(({ name, type }) => [`join key ${name}`, typeText(type)]));
  return changes(fields(before), fields(after));
}

export function viewSentences(
  before: ViewPlan,
  beforePlan: ProjectPlan,
  after: ViewPlan,
  afterPlan: ProjectPlan,
): string[] {
  const own = [
    ...changes(viewFields(before), viewFields(after)),
    ...featureSentences(before, beforePlan, after, afterPlan),
  ];
  const inherited = upstreamSentences([before.source], beforePlan, [after.source], afterPlan);
  return [...own, ...inherited];
}

/** A view that is new: each feature in one line. */
export function newViewSentences(view: ViewPlan, plan: ProjectPlan): string[] {
  return view.features.map((feature) => {
    const type = `feature ${feature.name}: ${typeText(feature.type)}`;
    if (feature.kind === 'derived') return `${type} = ${exprText(feature.expr)}`;
    const group = plan.groups.find((candidate) => candidate.id === feature.group);
    if (group === undefined) return type;
    const { lane, window } = aggregateMeaning(feature, group);
    const measure = lane.measure === null ? '' : exprText(lane.measure);
    const filter = lane.filter === null ? '' : ` where ${exprText(lane.filter)}`;
    const told = [measure, ...parametersOf(feature)].filter((part) => part !== '').join(', ');
    const over = feature.fn === 'latest' ? '' : ` over ${windowText(window)}`;
    return `${type} = ${feature.fn}(${told})${filter}${over}`;
  });
}

function parametersOf({ count, rankPpm, ttlMs }: AggregateFeaturePlan): string[] {
  if (ttlMs !== null) return [`ttl ${formatDuration(ttlMs)}`];
  if (count !== null) return [String(count)];
  return rankPpm === null ? [] : [String(rankPpm / 1_000_000)];
}

export function serviceSentences(before: ServicePlan, after: ServicePlan): string[] {
  return changes(serviceFields(before), serviceFields(after));
}

/** A service that is new: what it asks of a request, and computes from it. */
export function newServiceSentences({ request, onDemand }: ServicePlan): string[] {
  const fields = serviceFields({ features: [], request, onDemand });
  return [...fields].map(([label, text]) => `${label}: ${text}`);
}

function serviceFields({
  features,
  request,
  onDemand,
}: Pick<ServicePlan, 'features' | 'request' | 'onDemand'>): Fields {
  const fields = new Map(
    features.map(({ name, view, version, feature }) => [
      `output ${name}`,
      `${view}@${version}.${feature}`,
    ]),
  );
  for (const { name, type, optional } of request) {
    fields.set(`request field ${name}`, `${typeText(type)}${optional ? ' optional' : ''}`);
  }
  for (const { name, expr, type, default: fallback } of onDemand) {
    const other = fallback === null ? '' : `, default ${canonicalJson(fallback)}`;
    fields.set(`on-demand feature ${name}`, `${typeText(type)} = ${exprText(expr)}${other}`);
  }
  return fields;
}

/** What differs in how a definition is described or shown; none of it is part of its hash. */
export function metadataSentences(before: Definition, after: Definition): string[] {
  const sentences = changes(metadataFields(before), metadataFields(after));
  const order = ({ features = [], onDemand = [] }: Definition): string =>
    [...features, ...onDemand].map((one) => one.name).join();
  const sameNames = order(sorted(before)) === order(sorted(after));
  if (sameNames && order(before) !== order(after)) sentences.push('outputs are in another order');
  return sentences;
}

function sorted(definition: Definition): Definition {
  const { features = [], onDemand = [] } = definition;
  return {
    ...definition,
    features: [...features].sort(byName),
    onDemand: [...onDemand].sort(byName),
  };
}

function metadataFields(definition: Definition): Fields {
  const fields = new Map<string, string>();
  addMeta(fields, '', definition.meta);
  const { freshnessMs } = definition;
  if (freshnessMs) fields.set('freshness', formatDuration(freshnessMs));
  const { keys = null, budgetBytes = null, atLimit } = definition.state ?? {};
  if (keys !== null) fields.set('expected keys', String(keys));
  if (budgetBytes !== null) fields.set('budget', `${formatBytes(budgetBytes)}, then ${atLimit}`);
  for (const { name, meta } of [...(definition.features ?? []), ...(definition.onDemand ?? [])]) {
    if (meta !== undefined) addMeta(fields, `feature ${name} `, meta);
  }
  for (const { name, view } of definition.labels ?? []) {
    for (const { meta } of view.features) addMeta(fields, `label ${name} `, meta);
  }
  addExpectations(fields, definition.expectations ?? {});
  if (definition.origin) {
    for (const [label, text] of tableMetadata(definition.origin)) fields.set(label, text);
  }
  return fields;
}

function viewFields(view: ViewPlan): Fields {
  const key = Object.entries(view.key).map(([joinKey, column]) => `${joinKey} from ${column}`);
  const fields = new Map([
    ['source', view.source],
    ['entity', view.entity],
    ['key', key.join(', ')],
  ]);
  if (view.filter !== null) fields.set('filter', exprText(view.filter));
  return fields;
}

function featureSentences(
  before: ViewPlan,
  beforePlan: ProjectPlan,
  after: ViewPlan,
  afterPlan: ProjectPlan,
): string[] {
  const sentences: string[] = [];
  const named = (view: ViewPlan, name: string) => view.features.find((one) => one.name === name);
  const names = new Set([...before.features, ...after.features].map((feature) => feature.name));
  for (const name of [...names].sort()) {
    const [old, now] = [named(before, name), named(after, name)];
    if (old === undefined) sentences.push(`feature ${name} added`);
    else if (now === undefined) sentences.push(`feature ${name} removed`);
    else {
      const fields = [featureFields(old, beforePlan), featureFields(now, afterPlan)] as const;
      sentences.push(...changes(...fields).map((sentence) => `feature ${name} ${sentence}`));
    }
  }
  return sentences;
}

function featureFields(feature: FeaturePlan, plan: ProjectPlan): Fields {
  const fields = new Map([
    ['type', typeText(feature.type)],
    ['default', canonicalJson(feature.default)],
  ]);
  if (feature.kind === 'derived') return fields.set('expression', exprText(feature.expr));
  const group = plan.groups.find((candidate) => candidate.id === feature.group);
  if (group === undefined) return fields;
  const { lane, window, size } = aggregateMeaning(feature, group);
  const bound = size === null ? null : sizeField(feature.fn, size);
  if (bound !== null) fields.set(...bound);
  if (feature.ttlMs !== null) fields.set('ttl', formatDuration(feature.ttlMs));
  if (feature.count !== null) fields.set('length', String(feature.count));
  if (feature.rankPpm !== null) fields.set('rank', String(feature.rankPpm / 1_000_000));
  const text = (node: ExprNode | null): string => (node === null ? 'none' : exprText(node));
  return fields
    .set('function', feature.fn)
    .set('measure', lane.measure === null ? 'rows' : exprText(lane.measure))
    .set('filter', text(lane.filter))
    .set('scale', String(feature.scale))
    .set('window', windowText(window));
}

/** What the size of a feature's accumulator means; null where it follows from other fields. */
function sizeField(fn: AggregateFeaturePlan['fn'], size: number): [string, string] | null {
  if (fn === 'count_distinct') return ['exact up to', String(size)];
  if (fn === 'quantile') return ['relative error', String(errorOfBits(size))];
  return fn === 'top_k' || fn === 'histogram' ? ['max distinct', String(size)] : null;
}
