import { formatBytes } from '../base/byte-size.ts';
import { formatDuration } from '../base/duration.ts';
import type { ExprNode } from '../expr/node.ts';
import { exprText } from '../expr/text.ts';
import { formatDecimal } from '../schema/json.ts';
import { type ColumnSchema, typeText } from '../schema/types.ts';
import { canonicalJson } from './canonical.ts';
import { aggregateMeaning } from './hash.ts';
import { errorOfBits } from './parameters.ts';
import type {
  AggregateFeaturePlan,
  EntityPlan,
  FeaturePlan,
  Meta,
  ProjectPlan,
  ServicePlan,
  SourcePlan,
  StatePlan,
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
}

/** Fields of one thing as text, by label. */
type Fields = ReadonlyMap<string, string>;

export function sourceSentences(before: SourcePlan, after: SourcePlan): string[] {
  return [
    ...changes(sourceFields(before), sourceFields(after)),
    ...changes(columnFields(before), columnFields(after)),
  ];
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
  const sourceOf = (view: ViewPlan, plan: ProjectPlan) =>
    plan.sources.find((source) => source.name === view.source);
  const [sourceBefore, sourceAfter] = [sourceOf(before, beforePlan), sourceOf(after, afterPlan)];
  if (sourceBefore?.name !== sourceAfter?.name || !sourceBefore || !sourceAfter) return own;
  const inherited = sourceSentences(sourceBefore, sourceAfter).map(
    (sentence) => `source ${sourceAfter.name}: ${sentence}`,
  );
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
    return `${type} = ${feature.fn}(${told})${filter} over ${windowText(window)}`;
  });
}

function parametersOf({ count, rankPpm }: AggregateFeaturePlan): string[] {
  if (count !== null) return [String(count)];
  return rankPpm === null ? [] : [String(rankPpm / 1_000_000)];
}

export function serviceSentences(before: ServicePlan, after: ServicePlan): string[] {
  const fields = (service: ServicePlan): Fields =>
    new Map(
      service.features.map(({ name, view, version, feature }) => [
        `output ${name}`,
        `${view}@${version}.${feature}`,
      ]),
    );
  return changes(fields(before), fields(after));
}

/** What differs in how a definition is described or shown; none of it is part of its hash. */
export function metadataSentences(before: Definition, after: Definition): string[] {
  const sentences = changes(metadataFields(before), metadataFields(after));
  const order = ({ features = [] }: Definition): string => features.map((one) => one.name).join();
  const sameNames = order(sorted(before)) === order(sorted(after));
  if (sameNames && order(before) !== order(after)) sentences.push('outputs are in another order');
  return sentences;
}

function sorted(definition: Definition): Definition {
  const byText = [...(definition.features ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ...definition, features: byText };
}

function metadataFields(definition: Definition): Fields {
  const fields = new Map<string, string>();
  addMeta(fields, '', definition.meta);
  const { freshnessMs } = definition;
  if (freshnessMs) fields.set('freshness', formatDuration(freshnessMs));
  const { keys = null, budgetBytes = null, atLimit } = definition.state ?? {};
  if (keys !== null) fields.set('expected keys', String(keys));
  if (budgetBytes !== null) fields.set('budget', `${formatBytes(budgetBytes)}, then ${atLimit}`);
  for (const { name, meta } of definition.features ?? []) {
    if (meta !== undefined) addMeta(fields, `feature ${name} `, meta);
  }
  return fields;
}

function addMeta(fields: Map<string, string>, prefix: string, meta: Meta): void {
  if (meta.owner !== null) fields.set(`${prefix}owner`, `'${meta.owner}'`);
  if (meta.description !== null) fields.set(`${prefix}description`, `'${meta.description}'`);
  if (meta.tags.length > 0) fields.set(`${prefix}tags`, meta.tags.join(', '));
}

function sourceFields(source: SourcePlan): Fields {
  const fields = new Map([
    ['event time', source.eventTime],
    ['arrival time', source.arrivalTime ?? 'stamped by the log'],
    ['id', source.id ?? 'none'],
    ['allowed lateness', formatDuration(source.allowedLatenessMs)],
    ['max clock skew', formatDuration(source.maxClockSkewMs)],
    ['dedupe horizon', formatDuration(source.dedupeHorizonMs)],
    ['partitions', String(source.partitions)],
  ]);
  const { changes } = source;
  if (!changes) return fields;
  return fields
    .set('changes', changes.column)
    .set('inserts', changes.insert.join(', '))
    .set('updates', changes.update.join(', '))
    .set('deletes', changes.delete.join(', '))
    .set('sequence', changes.sequence ?? 'none')
    .set('shape of changes', changes.shape)
    .set('horizon of changes', formatDuration(changes.horizonMs))
    .set('kept for changes', String(changes.keep));
}

function columnFields(source: SourcePlan): Fields {
  return new Map(source.columns.map((column) => [`column ${column.name}`, columnText(column)]));
}

function columnText({ type, optional, min, max }: ColumnSchema): string {
  const scale = type.kind === 'float64' ? ` scale ${type.scale}` : '';
  const bound = (value: ColumnSchema['min']): string =>
    type.kind === 'decimal'
      ? formatDecimal(typeof value === 'bigint' ? value : Number(value), type.scale)
      : String(value);
  const least = min === null ? '' : ` min ${bound(min)}`;
  const most = max === null ? '' : ` max ${bound(max)}`;
  return `${typeText(type)}${scale}${optional ? ' optional' : ''}${least}${most}`;
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

/** One sentence a field: added, removed, or from what to what. */
function changes(before: Fields, after: Fields): string[] {
  const sentences: string[] = [];
  for (const label of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(label), after.get(label)];
    if (old === now) continue;
    if (old === undefined) sentences.push(`${label} added: ${now}`);
    else if (now === undefined) sentences.push(`${label} removed: ${old}`);
    else sentences.push(`${label}: ${old} → ${now}`);
  }
  return sentences;
}
