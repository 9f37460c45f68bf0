import { AssertionFailure, present } from '../base/assert.ts';
import { toDuckDb } from '../expr/duckdb.ts';
import { keptSql } from '../expr/kept-sql.ts';
import { keptFloat } from '../schema/kept-float.ts';
import type { ValueType } from '../schema/types.ts';
import type { ComputedParts } from './compute-parts.ts';
import { varianceSql } from './exact-sql.ts';
import type { FeatureWork, WorkView } from './feature-work.ts';
import { attributeSql, attributeStatusSql } from './finish-attribute-sql.ts';
import { entriesSql } from './finish-entries-sql.ts';
import { literalSql, powerOfTenSql } from './literal-sql.ts';
import { functionColumn, onDemandColumn, onDemandInputs, withOnDemand } from './on-demand-sql.ts';
import type { WorkFeature } from './work-group.ts';

/** An output of a service and the column of `featuresSql` that holds it. */
export interface OutputColumn {
  readonly name: string;
  readonly column: string;
  readonly type: ValueType;
}

/**
 * A query that gives, for each row of `from` (which has `r` and the columns `valid0`… , one a
 * view), the columns of `keep`, those of `requestColumns` among them, and every feature that the
 * service needs; on demand the status of
 * each aggregate too, in a column of `statusColumn`.
 */
export function featuresSql(
  work: FeatureWork,
  parts: ComputedParts,
  from: string,
  keep: readonly string[],
  withStatuses = false,
): string {
  const joins = parts.passes.map((table) => `LEFT JOIN ${table} ON ${table}.r = points.r`);
  const aggregates = work.views.flatMap((view, index) =>
    view.features.flatMap((feature) => {
      if (feature.kind !== 'aggregate') return [];
      const planned = present(view.aggregates.get(feature.name), 'the feature is planned');
      const value = aggregateSql(work, planned, parts);
      const column = columnOf(view, index, feature.name);
      const shown = `CASE WHEN points.valid${index} THEN ${value} END AS ${column}`;
      if (!withStatuses) return [shown];
      return [shown, `${statusSql(work, planned, parts)} AS ${statusColumn(column)}`];
    }),
  );
  const kept = keep.map((column) => `points.${column}`);
  const valid = work.views.map((_, index) => `points.valid${index}`);
  const base = `SELECT ${[...kept, ...valid, ...aggregates].join(', ')}
    FROM ${from} points ${joins.join(' ')}`;
  const features = work.views.reduce((sql, view, index) => withDerived(sql, view, index), base);
  const { service } = work;
  return withOnDemand(features, service, onDemandInputs(service, featureOutputs(work)));
}

/** Derived features one after another, since each may read those before it. */
function withDerived(sql: string, view: WorkView, index: number): string {
  return view.features.reduce((inner, feature) => {
    if (feature.kind !== 'derived') return inner;
    const expr = toDuckDb(feature.expr, (name) => columnOf(view, index, name));
    const fallback = literalSql(feature.type, feature.default);
    const column = columnOf(view, index, feature.name);
    return `SELECT *, CASE WHEN valid${index} THEN coalesce(${expr}, ${fallback}) END AS ${column}
      FROM (${inner})`;
  }, sql);
}

/** The column of an aggregate's status beside that of its value. */
export function statusColumn(column: string): string {
  return `${column}_status`;
}

/** The column of a view's feature; `index` is the view's place in the work. */
export function columnOf(view: WorkView, index: number, feature: string): string {
  const at = view.features.findIndex((one) => one.name === feature);
  return `f${index}_${at}`;
}

/** What a service answers: what views give, then what is computed on demand. */
export function outputColumns(work: FeatureWork): OutputColumn[] {
  const onDemand = work.service.onDemand.map(({ name, type }, index) => {
    return { name, type, column: onDemandColumn(index) };
  });
  const { functions = [] } = work.service;
  const made = functions.flatMap((one) => one.outputs);
  const given = made.map(({ name, type }, at) => ({ name, type, column: functionColumn(at) }));
  return [...featureOutputs(work), ...onDemand, ...given];
}

export function featureOutputs(work: FeatureWork): OutputColumn[] {
  return work.service.features.map((output) => {
    const index = work.views.findIndex(
      ({ view }) => view.name === output.view && view.version === output.version,
    );
    const view = present(work.views[index], `the view of '${output.name}'`);
    const { name, type } = output;
    return { name, type, column: columnOf(view, index, output.feature) };
  });
}

/** `finish` as SQL (semantics §3): the same formulas, in the same order, as the kernel's. */
function aggregateSql(work: FeatureWork, planned: WorkFeature, parts: ComputedParts): string {
  const { type, default: declared, fn } = planned.feature;
  if (fn === 'latest') return attributeSql(planned, parts);
  const { some, value, broken } = wholeSql(work, planned, parts);
  const fallback = literalSql(type, declared);
  const isBroken = broken.length === 0 ? '' : `WHEN ${broken.join(' OR ')} THEN NULL `;
  return `CASE ${isBroken}WHEN ${some} THEN ${value} ELSE ${fallback} END`;
}

/** Whether an aggregate can have the status `error` at all. */
export function canErr(work: FeatureWork, planned: WorkFeature): boolean {
  const { feature } = planned;
  if (keptFloat(feature.type) !== null) return true;
  const group = present(work.groups[planned.group], 'the group of a feature');
  const { accumulators, windows, retractable } = group;
  if (retractable && windows[planned.window]?.kind === 'session') return true;
  if (feature.fn === 'latest') return retractable;
  if (mayOverflow(planned)) return feature.type.kind !== 'float64';
  if (planned.parts.value === undefined) return false;
  const { fn, size } = present(accumulators[planned.parts.value], 'an accumulator');
  if (fn === 'value_counts') return true;
  return retractable && size !== undefined;
}

/** Whether its status says more than whether the value is the default. */
export function tellsStatus(work: FeatureWork, planned: WorkFeature): boolean {
  return planned.feature.fn === 'latest' || canErr(work, planned);
}

function mayOverflow({ feature }: WorkFeature): boolean {
  return feature.fn === 'sum' || feature.fn === 'quantile';
}

/** The status that goes with it (semantics §6). */
function statusSql(work: FeatureWork, planned: WorkFeature, parts: ComputedParts): string {
  if (planned.feature.fn === 'latest') return attributeStatusSql(planned, parts);
  const { some, value, broken } = wholeSql(work, planned, parts);
  const isRounded = mayOverflow(planned) || keptFloat(planned.feature.type) !== null;
  const found = isRounded ? `if((${value}) IS NULL, 'error', 'present')` : `'present'`;
  const isBroken = broken.length === 0 ? '' : `WHEN ${broken.join(' OR ')} THEN 'error' `;
  return `CASE ${isBroken}WHEN ${some} THEN ${found} ELSE 'default' END`;
}

/** A function that holds entries, or one that adds; and whether its window can be told. */
function wholeSql(work: FeatureWork, planned: WorkFeature, parts: ComputedParts) {
  const finished = entriesSql(work, planned, parts) ?? { ...finishSql(planned, parts), broken: [] };
  const bad = parts.badOf(planned.group, planned.window);
  const kept = keptFloat(planned.feature.type);
  const value = kept === null ? finished.value : keptSql(kept, `(${finished.value})`);
  return { ...finished, value, broken: [...(bad === null ? [] : [bad]), ...finished.broken] };
}

/** Whether any input counts, and the value if so: NULL where it does not fit its type. */
function finishSql(planned: WorkFeature, parts: ComputedParts): { some: string; value: string } {
  const { feature, window } = planned;
  const part = (name: keyof WorkFeature['parts']): string[] => {
    const accumulator = present(planned.parts[name], `${feature.fn} has the part '${name}'`);
    return parts.columnsOf(planned.group, { accumulator, window });
  };
  const [extreme] = feature.parts.value === undefined ? [] : part('value');
  if (extreme !== undefined) return { some: `${extreme} IS NOT NULL`, value: extreme };
  const count = present(part('count')[0], 'a count');
  const some = `${count} >= 1`;
  switch (feature.fn) {
    case 'count':
      return { some, value: `CAST(${count} AS BIGINT)` };
    case 'sum': {
      const [sum] = part('sum');
      const isFloat = feature.type.kind === 'float64';
      const float = `asof_double(${sum}) / ${powerOfTenSql(feature.scale)}`;
      return { some, value: isFloat ? float : `TRY_CAST(${sum} AS BIGINT)` };
    }
    case 'avg': {
      const unit = `CAST('${10n ** BigInt(feature.scale)}' AS HUGEINT)`;
      const [sum] = part('sum');
      return {
        some,
        value: `asof_double(${sum}) / asof_double(CAST(${count} AS HUGEINT) * ${unit})`,
      };
    }
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
      return deviationSql(feature, count, part);
    default:
      throw new AssertionFailure(`${feature.fn} has a part 'value'`);
  }
}

function deviationSql(
  feature: WorkFeature['feature'],
  count: string,
  part: (name: keyof WorkFeature['parts']) => string[],
): { some: string; value: string } {
  const fewer = feature.fn === 'var_samp' || feature.fn === 'stddev_samp' ? 1 : 0;
  const [squares, squaresHigh] = part('sumSquares');
  const variance = varianceSql({
    count,
    sum: present(part('sum')[0], 'a sum'),
    squares: present(squares, 'squares'),
    squaresHigh: squaresHigh ?? null,
    fewer,
    scale: feature.scale,
  });
  const takesRoot = feature.fn === 'stddev_pop' || feature.fn === 'stddev_samp';
  return { some: `${count} >= ${fewer + 1}`, value: takesRoot ? `sqrt(${variance})` : variance };
}
