import type { ComputedParts } from './compute-parts.ts';
import type { FeatureWork } from './feature-work.ts';
import { featuresSql, outputColumns } from './finish-sql.ts';
import { requestColumns, requestSql } from './on-demand-sql.ts';
import { type AddedColumn, type FlagColumn, keptColumns } from './result-table.ts';
import { SPINE, type Spine } from './spine.ts';
import type { StatusColumns } from './status-columns.ts';
import { shownSql } from './training-output.ts';

/** One boolean a view: whether the row has a time and all join keys of the view's entity. */
export function validSql(work: FeatureWork): string[] {
  return work.views.map(({ entity }, index) => {
    const keys = entity.joinKeys.map((key) => {
      const at = work.service.joinKeys.findIndex((asked) => asked.name === key.name);
      return `j${at} IS NOT NULL`;
    });
    return `${['t IS NOT NULL', ...keys].join(' AND ')} AS valid${index}`;
  });
}

/** The features of all rows of the spine, beside its own columns. */
export function featuresOf(work: FeatureWork, parts: ComputedParts, spine: Spine): string {
  const kept = keptColumns(spine);
  const columns = ['r', ...kept, ...requestSql(work), ...validSql(work)];
  const from = `(SELECT ${columns.join(', ')} FROM ${SPINE})`;
  return featuresSql(work, parts, from, ['r', ...kept, ...requestColumns(work.service)], true);
}

/** The features' columns, and on demand the statuses of those that can have one of their own. */
export function featureColumns(
  work: FeatureWork,
  statuses: StatusColumns,
  prefix: string,
  withStatuses: boolean,
): AddedColumn[] {
  return outputColumns(work).flatMap((output, index): AddedColumn[] => {
    const { type } = output;
    const name = `${prefix}${output.name}`;
    const own = { name, column: `o${index}`, sql: shownSql(type, output.column), type };
    const status = statuses.columns[index] ?? null;
    if (!withStatuses || status === null) return [own];
    const shown = { name: `${name}_status`, column: `s${index}`, sql: status };
    return [own, { ...shown, type: { kind: 'string' } }];
  });
}

/** One flag for each feature that can be an error: whether it is one. */
export function errorFlags(statuses: StatusColumns): (FlagColumn & { readonly feature: number })[] {
  return statuses.columns.flatMap((status, feature) =>
    status === null
      ? []
      : [{ feature, column: `e${feature}`, sql: `coalesce(${status} = 'error', FALSE)` }],
  );
}
