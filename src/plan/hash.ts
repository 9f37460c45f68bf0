import type { WindowSpec } from '../aggregate/window.ts';
import { present } from '../base/assert.ts';
import { referencedColumns } from '../expr/references.ts';
import { typesOf } from '../schema/evolution.ts';
import { type ColumnSchema, type Scalar, type SourceSchema, sameType } from '../schema/types.ts';
import { convertScalar } from '../schema/widening.ts';
import { byName, compareText, hashOf } from './canonical.ts';
import type { FunctionPlan } from './function-form.ts';
import type {
  AggregateFeaturePlan,
  DashboardPlan,
  DatasetPlan,
  DerivedFeaturePlan,
  EntityPlan,
  LanePlan,
  ModelPlan,
  ServicePlan,
  SpinePlan,
  TableOriginPlan,
  TileGroupPlan,
  ViewPlan,
} from './plan.ts';

/** An aggregate feature with its lane and window in place: what it means, wherever it is stored. */
export interface AggregateMeaning {
  readonly kind: 'aggregate';
  readonly name: string;
  readonly fn: AggregateFeaturePlan['fn'];
  readonly lane: LanePlan;
  readonly window: WindowSpec;
  readonly scale: number;
  readonly type: AggregateFeaturePlan['type'];
  readonly default: AggregateFeaturePlan['default'];
  readonly count: number | null;
  readonly rankPpm: number | null;
  readonly ttlMs: number | null;
  /** Of the accumulator that holds several entries, or null. */
  readonly size: number | null;
}

export type FeatureMeaning = AggregateMeaning | Omit<DerivedFeaturePlan, 'meta'>;

/** All that a view means, and nothing else (semantics §7). */
export interface ViewMeaning {
  readonly name: string;
  readonly version: number;
  readonly source: SourceMeaning;
  readonly entity: Pick<EntityPlan, 'name' | 'joinKeys'>;
  readonly key: ViewPlan['key'];
  readonly filter: ViewPlan['filter'];
  readonly features: readonly FeatureMeaning[];
}

/** A source's schema; of a table with the hash of what its origin means. */
export type SourceMeaning = SourceSchema & {
  readonly origin?: Pick<TableOriginPlan, 'hash'> | null;
};

export function sourceHash(source: SourceMeaning): string {
  return hashOf(sourceMeaning(source, source.columns));
}

/**
 * Which rows a table has, and since when they are known. Where files lie says nothing of that; the
 * SQL of a query does, and so do the hashes of the sources that it reads, by their names in it.
 */
export function originHash(
  origin: Pick<TableOriginPlan, 'from' | 'snapshot' | 'key' | 'duplicates' | 'assumedDelayMs'>,
  upstreams: Readonly<Record<string, string>>,
): string {
  const { from, snapshot, key, duplicates, assumedDelayMs } = origin;
  const query = from.kind === 'query' ? { sql: from.sql, upstreams } : null;
  // Left out where it is the default, so that hashes from before it stay as they were.
  const floored = from.kind !== 'query' && from.finerTimes ? { finerTimes: from.finerTimes } : {};
  return hashOf({ query, snapshot, key, duplicates, assumedDelayMs, ...floored });
}

export function entityHash(entity: Pick<EntityPlan, 'name' | 'joinKeys'>): string {
  return hashOf({ name: entity.name, joinKeys: [...entity.joinKeys].sort(byName) });
}

export function groupId(group: Omit<TileGroupPlan, 'id'>): string {
  const { source, entity, keyColumns, filter, lanes, accumulators, windows } = group;
  const { namespace, retractable, latenessMs, keep, tokenized } = group;
  return hashOf({
    ...{ source, entity, keyColumns, filter, lanes, accumulators, windows },
    ...given({ namespace, retractable, latenessMs, keep, tokenized }),
  });
}

/**
 * The source counts with all of its acceptance rules. An optional, unbounded column that the view
 * does not read is left out: it rejects no event, so adding one to a source changes no view.
 */
export function viewHash(view: ViewMeaning): string {
  return hashOf({
    name: view.name,
    version: view.version,
    source: sourceMeaning(view.source, columnsOf(view.source, columnsRead(view))),
    entity: entityHash(view.entity),
    key: view.key,
    filter: view.filter,
    features: [...view.features].sort(byName).map(featureMeaning),
  });
}

/** The order of the outputs is how they are shown, not what they mean: each goes by its name. */
export function serviceHash(
  service: Pick<
    ServicePlan,
    'name' | 'version' | 'features' | 'request' | 'onDemand' | 'functions'
  >,
  viewHashOf: (view: string, version: number) => string,
): string {
  const features = service.features
    .map(({ name, view, version, feature }) => ({
      name,
      view,
      version,
      feature,
      meaning: viewHashOf(view, version),
    }))
    .sort((a, b) => compareText(a.name, b.name));
  const { request, onDemand, functions = [] } = service;
  const computed = onDemand.map(({ name, expr, type, default: fallback }) => ({
    ...{ name, expr, type, default: fallback },
  }));
  return hashOf({
    ...{ name: service.name, version: service.version, features },
    ...(request.length === 0 ? {} : { request: [...request].sort(byName) }),
    ...(computed.length === 0 ? {} : { onDemand: computed.sort(byName) }),
    ...(functions.length === 0 ? {} : { functions: functionMeanings(functions) }),
  });
}

function functionMeanings(functions: readonly FunctionPlan[]) {
  return functions.map((one) => ({ name: one.name, digest: functionDigest(one) })).sort(byName);
}

/**
 * All that decides what a function gives: its text, its types, and what it uses by name. How long
 * it may take and how much memory it may have decide only whether it gives anything.
 */
export function functionDigest(one: Omit<FunctionPlan, 'digest' | 'meta'>): string {
  const { version, inputs, outputs, source, uses, network, cacheTtlMs } = one;
  const outside = network === null ? {} : { hosts: network.hosts, cacheTtlMs };
  return hashOf({ version, inputs: [...inputs].sort(byName), outputs, source, uses, ...outside });
}

/** What a dataset reads, by what that means. */
export interface DatasetMeanings {
  readonly service: string;
  /** Sources of the spine: by alias of a query, or as `source`. */
  readonly spine: Readonly<Record<string, string>>;
}

export function datasetHash(
  dataset: Omit<DatasetPlan, 'hash' | 'meta'>,
  meanings: DatasetMeanings,
): string {
  const { name, version, service, serviceVersion, spine, known, servingDelayMs, statuses } =
    dataset;
  const labels = dataset.labels.map((label) => ({
    ...{ name: label.name, horizonMs: label.horizonMs, delayMs: label.delayMs },
    view: label.view.hash,
  }));
  return hashOf({
    ...{ name, version, service, serviceVersion, spine, known, servingDelayMs, statuses },
    ...{ labels: labels.sort(byName), meanings },
  });
}

/** A stored feature with its lane and window in place. */
export function aggregateMeaning(
  feature: AggregateFeaturePlan,
  group: TileGroupPlan,
): AggregateMeaning {
  const { count, sum, value } = feature.parts;
  const part = present(sum ?? value ?? count, `${feature.name} has no accumulator`);
  const accumulator = present(group.accumulators[part], `group ${group.id} lacks part ${part}`);
  return {
    kind: 'aggregate',
    name: feature.name,
    fn: feature.fn,
    lane: present(group.lanes[accumulator.lane], `group ${group.id} lacks a lane`),
    window: present(group.windows[feature.window], `group ${group.id} lacks a window`),
    scale: feature.scale,
    type: feature.type,
    default: feature.default,
    count: feature.count,
    rankPpm: feature.rankPpm,
    ttlMs: feature.ttlMs,
    size: accumulator.size ?? null,
  };
}

/** What a spine of a source's events means, in the same way. */
export function eventsHash(
  source: SourceMeaning,
  { filter, columns }: Pick<EventsSpinePlan, 'filter' | 'columns'>,
): string {
  const filtered = filter === null ? [] : referencedColumns(filter);
  const read = new Set([...Object.values(columns), ...filtered]);
  return hashOf(sourceMeaning(source, columnsOf(source, read)));
}

type EventsSpinePlan = Extract<SpinePlan, { readonly kind: 'events' }>;

function columnsOf(source: SourceSchema, read: ReadonlySet<string>): SourceSchema['columns'] {
  return source.columns
    .filter(
      ({ name, optional, min, max, default: given }) =>
        !(optional || given !== undefined) || min !== null || max !== null || read.has(name),
    )
    .map((column) => (read.has(column.name) ? column : asFirstTyped(source, column)));
}

/** To who does not read it, a column that was widened is what it was: no event is refused for it. */
function asFirstTyped(source: SourceSchema, column: ColumnSchema): ColumnSchema {
  const [first = column.type] = typesOf(source, column);
  if (sameType(first, column.type)) return column;
  const bound = (value: Scalar): Scalar => convertScalar(value, column.type, first) ?? value;
  return { ...column, type: first, min: bound(column.min), max: bound(column.max) };
}

function sourceMeaning(source: SourceMeaning, columns: SourceSchema['columns']): object {
  return {
    name: source.name,
    columns: [...columns]
      .map(({ name, type, optional, min, max, personal, default: fallback }) => ({
        ...{ name, type, optional, min, max },
        ...(fallback === undefined ? {} : { default: fallback }),
        // Tokens are other values; that a column is personal says nothing of them.
        ...(personal === 'tokenized' ? { tokenized: true } : {}),
      }))
      .sort(byName),
    eventTime: source.eventTime,
    arrivalTime: source.arrivalTime,
    id: source.id,
    allowedLatenessMs: source.allowedLatenessMs,
    maxClockSkewMs: source.maxClockSkewMs,
    dedupeHorizonMs: source.dedupeHorizonMs,
    partitions: source.partitions,
    ...given({ changes: source.changes, table: source.table, origin: source.origin?.hash }),
  };
}

function featureMeaning(feature: FeatureMeaning): object {
  const { name, type } = feature;
  const fallback = feature.default;
  if (feature.kind === 'derived') {
    return { kind: 'derived', name, expr: feature.expr, type, default: fallback };
  }
  const { fn, lane, window, scale, count, rankPpm, size, ttlMs } = feature;
  return {
    ...{ kind: 'aggregate', name, fn, lane, window, scale, type, default: fallback },
    ...given({ count, rankPpm, size, ttlMs }),
  };
}

/** What came with a later release counts only where it says something: earlier hashes stay. */
function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => Boolean(value)));
}

function columnsRead(view: ViewMeaning): ReadonlySet<string> {
  const read = new Set(Object.values(view.key));
  const expressions = view.features.flatMap((feature) =>
    feature.kind === 'aggregate' ? [feature.lane.measure, feature.lane.filter] : [],
  );
  for (const expression of [view.filter, ...expressions]) {
    if (expression !== null) for (const name of referencedColumns(expression)) read.add(name);
  }
  return read;
}

/** What a model may read and expects, with the hash of the service version that it is pinned to. */
export function modelHash(model: Omit<ModelPlan, 'hash' | 'meta'>, serviceHashNow: string): string {
  const { name, version, service, serviceVersion, reads, expectations, onViolation } = model;
  return hashOf({
    ...given({ trainedOn: model.trainedOn }),
    ...{ name, version, service, serviceVersion, reads, expectations, onViolation },
    meaning: serviceHashNow,
  });
}

export function dashboardHash({ name, reads }: Pick<DashboardPlan, 'name' | 'reads'>): string {
  return hashOf({ name, reads });
}
