import { formatDuration } from '../base/duration.ts';
import type { ExprNode } from '../expr/node.ts';
import { exprText } from '../expr/text.ts';
import { keptErrorText } from '../schema/kept-float.ts';
import { typeText } from '../schema/types.ts';
import { canonicalJson } from './canonical.ts';
import { type Finding, prefixed, type RuleName } from './compatibility.ts';
import { type Fields, findings } from './diff-fields.ts';
import { upstreamFindings } from './diff-source-text.ts';
import { functionFields } from './function-text.ts';
import { aggregateMeaning } from './hash.ts';
import { errorOfBits } from './parameters.ts';
import { personalFeatures } from './personal-features.ts';
import type {
  AggregateFeaturePlan,
  EntityPlan,
  FeaturePlan,
  ProjectPlan,
  ServicePlan,
  ViewPlan,
} from './plan.ts';
import { groupOf } from './plan-index.ts';
import { type PresentNames, presentNamesIn, withPresentNames } from './present-names.ts';
import { servingFields } from './serving-plan.ts';
import { concernsView } from './view-columns.ts';
import { windowText } from './window-plan.ts';

export function entityFindings(before: EntityPlan, after: EntityPlan): Finding[] {
  const fields = (entity: EntityPlan): Fields =>
    new Map(entity.joinKeys.map(({ name, type }) => [`join key ${name}`, typeText(type)]));
  return findings(fields(before), fields(after), () => 'entity_key_changed');
}

export function viewFindings(
  before: ViewPlan,
  beforePlan: ProjectPlan,
  after: ViewPlan,
  afterPlan: ProjectPlan,
): Finding[] {
  const [was, is] = [
    presentNamesIn(before.source, afterPlan, beforePlan),
    presentNamesIn(after.source, afterPlan),
  ];
  const own = [
    ...findings(viewFields(before, was), viewFields(after, is), (label) =>
      label === 'filter'
        ? ruleOfExpression('filter_changed', before.filter, after.filter)
        : (VIEW_RULES[label] ?? 'meaning_changed'),
    ),
    ...featureFindings([before, beforePlan, was], [after, afterPlan, is]),
  ];
  const inherited = upstreamFindings(
    [before.source],
    beforePlan,
    [after.source],
    afterPlan,
    concernsView([
      [before, beforePlan],
      [after, afterPlan],
    ]),
  );
  return [...own, ...inherited];
}

/** A view that is new: each feature in one line. */
export function newViewSentences(view: ViewPlan, plan: ProjectPlan): string[] {
  const personal = personalFeatures(plan, view);
  const names = presentNamesIn(view.source, plan);
  return view.features.map((feature) => {
    const mark = personal.has(feature.name) ? ' personal' : '';
    const type = `feature ${feature.name}: ${typeText(feature.type)}${mark}${errorNote(feature)}`;
    if (feature.kind === 'derived') return `${type} = ${exprText(feature.expr)}`;
    const group = groupOf(plan.groups, feature.group);
    if (group === undefined) return type;
    const { lane, window } = aggregateMeaning(feature, group);
    const text = (node: ExprNode): string => exprText(withPresentNames(node, names));
    const measure = lane.measure === null ? '' : text(lane.measure);
    const filter = lane.filter === null ? '' : ` where ${text(lane.filter)}`;
    const told = [measure, ...parametersOf(feature)].filter((part) => part !== '').join(', ');
    const over = feature.fn === 'latest' ? '' : ` over ${windowText(window)}`;
    return `${type} = ${feature.fn}(${told})${filter}${over}`;
  });
}

/** What a value that is kept in fewer bits may be off by. */
function errorNote({ type }: Pick<FeaturePlan, 'type'>): string {
  const text = keptErrorText(type);
  return text === null ? '' : ` (${text})`;
}

function parametersOf({ count, rankPpm, ttlMs }: AggregateFeaturePlan): string[] {
  if (ttlMs !== null) return [`ttl ${formatDuration(ttlMs)}`];
  if (count !== null) return [String(count)];
  return rankPpm === null ? [] : [String(rankPpm / 1_000_000)];
}

export function serviceFindings(before: ServicePlan, after: ServicePlan): Finding[] {
  const [old, now] = [serviceFields(before), serviceFields(after)];
  return findings(old, now, (label) => {
    if (label.startsWith('request field ')) return 'request_changed';
    if (label.startsWith('on-demand feature ')) return 'on_demand_changed';
    if (label.startsWith('function ')) return 'function_changed';
    if (!old.has(label)) return 'output_added';
    return now.has(label) ? 'output_changed' : 'output_removed';
  });
}

/** A service that is new: what it asks of a request, computes from it, and how it is answered. */
export function newServiceSentences({
  request,
  onDemand,
  functions,
  serving,
}: ServicePlan): string[] {
  const fields = serviceFields({
    features: [],
    request,
    onDemand,
    ...(functions && { functions }),
  });
  return [...fields, ...servingFields(serving)].map(([label, text]) => `${label}: ${text}`);
}

function serviceFields({
  features,
  request,
  onDemand,
  functions = [],
}: Pick<ServicePlan, 'features' | 'request' | 'onDemand' | 'functions'>): Fields {
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
  for (const one of functions) {
    for (const [label, text] of functionFields(one)) fields.set(label, text);
  }
  return fields;
}

function viewFields(view: ViewPlan, names: PresentNames): Fields {
  const key = Object.entries(view.key).map(
    ([joinKey, column]) => `${joinKey} from ${names.get(column) ?? column}`,
  );
  const fields = new Map([
    ['source', view.source],
    ['entity', view.entity],
    ['key', key.join(', ')],
  ]);
  if (view.filter !== null) fields.set('filter', exprText(withPresentNames(view.filter, names)));
  return fields;
}

const VIEW_RULES: Readonly<Record<string, RuleName>> = {
  source: 'view_source_changed',
  entity: 'view_entity_changed',
  key: 'view_key_changed',
};

/** A view, the plan that it is of, and what its columns are called now. */
type ShownView = readonly [ViewPlan, ProjectPlan, PresentNames];

function featureFindings(
  [before, beforePlan, oldNames]: ShownView,
  [after, afterPlan, newNames]: ShownView,
): Finding[] {
  const found: Finding[] = [];
  const named = (view: ViewPlan, name: string) => view.features.find((one) => one.name === name);
  const names = new Set([...before.features, ...after.features].map((feature) => feature.name));
  for (const name of [...names].sort()) {
    const [old, now] = [named(before, name), named(after, name)];
    if (old === undefined) {
      found.push({ rule: 'feature_added', part: name, sentence: `feature ${name} added` });
    } else if (now === undefined) {
      found.push({ rule: 'feature_removed', part: name, sentence: `feature ${name} removed` });
    } else {
      const [was, is] = [
        shownFeature(old, beforePlan, oldNames),
        shownFeature(now, afterPlan, newNames),
      ];
      const changed = findings(was.fields, is.fields, (label) =>
        ruleOfExpression(
          FEATURE_RULES[label] ?? 'meaning_changed',
          was.expressions[label] ?? null,
          is.expressions[label] ?? null,
        ),
      );
      found.push(...prefixed(`feature ${name} `, changed).map((one) => ({ ...one, part: name })));
    }
  }
  return found;
}

/** By the labels of a feature's fields. */
const FEATURE_RULES: Readonly<Record<string, RuleName>> = {
  type: 'feature_type_changed',
  default: 'default_changed',
  expression: 'expression_changed',
  'exact up to': 'precision_changed',
  'relative error': 'precision_changed',
  'max distinct': 'precision_changed',
  ttl: 'ttl_changed',
  length: 'length_changed',
  rank: 'rank_changed',
  function: 'aggregation_changed',
  measure: 'measure_changed',
  filter: 'filter_changed',
  scale: 'scale_changed',
  window: 'window_changed',
};

/** Where two expressions differ only in what they do with null, that is what is told. */
function ruleOfExpression(
  rule: RuleName,
  before: ExprNode | null,
  after: ExprNode | null,
): RuleName {
  if (before === null || after === null) return rule;
  const same = canonicalJson(withoutNulls(before)) === canonicalJson(withoutNulls(after));
  return same ? 'null_handling_changed' : rule;
}

/** An expression as it is for values that are not null. */
function withoutNulls(node: ExprNode): unknown {
  if (node.kind !== 'call') return node;
  const [first, ...rest] = node.args;
  if (node.op === 'coalesce' && first !== undefined) return withoutNulls(first);
  if (node.op === 'and') {
    const kept = node.args.filter((arg) => arg.kind !== 'call' || arg.op !== 'is_not_null');
    const [only] = kept;
    if (kept.length === 1 && only !== undefined) return withoutNulls(only);
  }
  return { op: node.op, args: [first, ...rest].map((arg) => arg && withoutNulls(arg)) };
}

interface ShownFeature {
  readonly fields: Fields;
  /** By label, where a field is one. */
  readonly expressions: Readonly<Record<string, ExprNode | null>>;
}

function shownFeature(feature: FeaturePlan, plan: ProjectPlan, names: PresentNames): ShownFeature {
  const fields = featureFields(feature, plan, names);
  if (feature.kind === 'derived') return { fields, expressions: { expression: feature.expr } };
  const group = groupOf(plan.groups, feature.group);
  if (group === undefined) return { fields, expressions: {} };
  const { lane } = aggregateMeaning(feature, group);
  return { fields, expressions: { measure: lane.measure, filter: lane.filter } };
}

function featureFields(feature: FeaturePlan, plan: ProjectPlan, names: PresentNames): Fields {
  const fields = new Map([
    ['type', typeText(feature.type)],
    ['default', canonicalJson(feature.default)],
  ]);
  if (feature.kind === 'derived') return fields.set('expression', exprText(feature.expr));
  const group = groupOf(plan.groups, feature.group);
  if (group === undefined) return fields;
  const { lane, window, size } = aggregateMeaning(feature, group);
  const bound = size === null ? null : sizeField(feature.fn, size);
  if (bound !== null) fields.set(...bound);
  if (feature.ttlMs !== null) fields.set('ttl', formatDuration(feature.ttlMs));
  if (feature.count !== null) fields.set('length', String(feature.count));
  if (feature.rankPpm !== null) fields.set('rank', String(feature.rankPpm / 1_000_000));
  const text = (node: ExprNode | null): string =>
    node === null ? 'none' : exprText(withPresentNames(node, names));
  return fields
    .set('function', feature.fn)
    .set('measure', lane.measure === null ? 'rows' : text(lane.measure))
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
