import { toDuckDb } from '../expr/duckdb.ts';
import { overflowSql } from '../expr/overflow-sql.ts';
import { referencedColumns } from '../expr/references.ts';
import type { OnDemandFeaturePlan, ServicePlan } from '../plan/plan.ts';
import type { FeatureWork } from './feature-work.ts';
import { literalSql } from './literal-sql.ts';

/** Whether a row has all that a request must give: then its on-demand features have values. */
export const ASKED = 'asked';

/** The column of a request field, in the spine and beside the features. */
export function requestColumn(index: number): string {
  return `q${index}`;
}

export function onDemandColumn(index: number): string {
  return `d${index}`;
}

/** The column of a function's output, of all that the service's functions give. */
export function functionColumn(index: number): string {
  return `g${index}`;
}

/** Whether something is computed of what requests give. */
export function readsRequest({
  onDemand,
  functions = [],
}: Pick<ServicePlan, 'onDemand' | 'functions'>): boolean {
  return onDemand.length > 0 || functions.length > 0;
}

/** What `from` of `featuresSql` must have, to be kept, where a service has on-demand features. */
export function requestColumns(service: ServicePlan): string[] {
  if (!readsRequest(service)) return [];
  return [...service.request.map((_, index) => requestColumn(index)), ASKED];
}

/** The same as expressions over rows with `t`, `j0`… and `q0`…. */
export function requestSql({ service, views }: FeatureWork): string[] {
  if (!readsRequest(service)) return [];
  const keys = new Set(views.flatMap(({ entity }) => entity.joinKeys.map(({ name }) => name)));
  const needed = [
    't',
    ...service.joinKeys.flatMap(({ name }, index) => (keys.has(name) ? [`j${index}`] : [])),
    ...service.request.flatMap(({ optional }, index) => (optional ? [] : [requestColumn(index)])),
  ];
  const fields = service.request.map((_, index) => requestColumn(index));
  return [...fields, `${needed.map((one) => `${one} IS NOT NULL`).join(' AND ')} AS ${ASKED}`];
}

/** Finds the column of what an expression reads: a request field, an output, an earlier one. */
export function onDemandInputs(
  service: ServicePlan,
  features: readonly { readonly name: string; readonly column: string }[],
): (name: string) => string {
  const columns = new Map([
    ...features.map(({ name, column }) => [name, column] as const),
    ...service.request.map(({ name }, index) => [name, requestColumn(index)] as const),
    ...service.onDemand.map(({ name }, index) => [name, onDemandColumn(index)] as const),
  ]);
  return (name) => columns.get(name) ?? name;
}

/** Adds the on-demand features to a query of features, one after another. */
export function withOnDemand(
  sql: string,
  service: ServicePlan,
  columnOfInput: (name: string) => string,
): string {
  return service.onDemand.reduce((inner, { expr, type, default: declared }, index) => {
    const value = `coalesce(${toDuckDb(expr, columnOfInput)}, ${literalSql(type, declared)})`;
    return `SELECT *, CASE WHEN ${ASKED} THEN ${value} END AS ${onDemandColumn(index)}
      FROM (${inner})`;
  }, sql);
}

/** Its status as serving tells it; null where neither an input nor the expression can go wrong. */
export function onDemandStatusSql(
  { expr }: OnDemandFeaturePlan,
  columnOfInput: (name: string) => string,
  isError: (column: string) => string | null,
): string | null {
  const broken = referencedColumns(expr).flatMap((name) => isError(columnOfInput(name)) ?? []);
  const overflow = overflowSql(expr, columnOfInput);
  const errors = [...broken, ...(overflow === null ? [] : [overflow])];
  if (errors.length === 0) return null;
  return `CASE WHEN (${toDuckDb(expr, columnOfInput)}) IS NOT NULL THEN 'present'
    WHEN ${errors.join(' OR ')} THEN 'error' ELSE 'default' END`;
}
