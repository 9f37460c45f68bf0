import { formatDuration } from '../base/duration.ts';
import type { ExprNode } from '../expr/node.ts';
import { exprText } from '../expr/text.ts';
import { formatDecimal } from '../schema/json.ts';
import { type ColumnSchema, typeText } from '../schema/types.ts';
import { canonicalJson } from './canonical.ts';
import { aggregateMeaning } from './hash.ts';
import type {
  EntityPlan,
  FeaturePlan,
  Meta,
  ProjectPlan,
  ServicePlan,
  SourcePlan,
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
  return new Map([
    ['event time', source.eventTime],
    ['arrival time', source.arrivalTime ?? 'stamped by the log'],
    ['id', source.id ?? 'none'],
    ['allowed lateness', formatDuration(source.allowedLatenessMs)],
    ['max clock skew', formatDuration(source.maxClockSkewMs)],
    ['dedupe horizon', formatDuration(source.dedupeHorizonMs)],
    ['partitions', String(source.partitions)],
  ]);
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
  const { lane, window } = aggregateMeaning(feature, group);
  const text = (node: ExprNode | null): string => (node === null ? 'none' : exprText(node));
  return fields
    .set('function', feature.fn)
    .set('measure', lane.measure === null ? 'rows' : exprText(lane.measure))
    .set('filter', text(lane.filter))
    .set('scale', String(feature.scale))
    .set('window', windowText(window));
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
