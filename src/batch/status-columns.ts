import { present } from '../base/assert.ts';
import { toDuckDb } from '../expr/duckdb.ts';
import { overflowSql } from '../expr/overflow-sql.ts';
import { referencedColumns } from '../expr/references.ts';
import type { FeatureWork, WorkView } from './feature-work.ts';
import {
  canErr,
  columnOf,
  featureOutputs,
  outputColumns,
  statusColumn,
  tellsStatus,
} from './finish-sql.ts';
import {
  ASKED,
  functionColumn,
  onDemandColumn,
  onDemandInputs,
  onDemandStatusSql,
} from './on-demand-sql.ts';

/**
 * The statuses of those features that can have the status `error`, `missing` or `expired`. The
 * others have none here: they are `present` or `default`, as their values tell.
 */
export interface StatusColumns {
  /** The query of `featuresSql` with statuses, and with those of all other features beside. */
  over(features: string): string;
  /** Of each of the service's outputs, in order: its status, null where the row has no key or no time. */
  readonly columns: readonly (string | null)[];
}

export function statusColumns(work: FeatureWork): StatusColumns {
  const erring = new Map<string, string>();
  const telling = new Map<string, string>();
  const derived: string[] = [];
  for (const [index, view] of work.views.entries()) {
    for (const feature of view.features) {
      const column = columnOf(view, index, feature.name);
      const status = `CASE WHEN valid${index} THEN ${statusColumn(column)} END`;
      if (feature.kind === 'aggregate') {
        const planned = present(view.aggregates.get(feature.name), 'the feature is planned');
        if (tellsStatus(work, planned)) telling.set(column, status);
        if (!canErr(work, planned)) continue;
      } else {
        const own = derivedStatusSql(view, index, feature.expr, erring);
        if (own === null) continue;
        derived.push(`${own} AS ${statusColumn(column)}`);
        telling.set(column, status);
      }
      erring.set(column, status);
    }
  }
  const { service } = work;
  const inputOf = onDemandInputs(service, featureOutputs(work));
  for (const [index, feature] of service.onDemand.entries()) {
    const column = onDemandColumn(index);
    const own = onDemandStatusSql(feature, inputOf, (input) =>
      erring.has(input) ? `${statusColumn(input)} = 'error'` : null,
    );
    if (own === null) continue;
    const status = `CASE WHEN ${ASKED} THEN ${statusColumn(column)} END`;
    derived.push(`${own} AS ${statusColumn(column)}`);
    telling.set(column, status);
    erring.set(column, status);
  }
  const made = (service.functions ?? []).flatMap((one) => one.outputs);
  for (const at of made.keys()) {
    telling.set(functionColumn(at), statusColumn(functionColumn(at)));
  }
  return {
    over: (features) => derived.reduce((sql, one) => `SELECT *, ${one} FROM (${sql})`, features),
    columns: outputColumns(work).map(({ column }) => telling.get(column) ?? null),
  };
}

/** As serving tells it; null where neither an input nor the expression can go wrong. */
function derivedStatusSql(
  view: WorkView,
  index: number,
  expr: Parameters<typeof toDuckDb>[0],
  erring: ReadonlyMap<string, string>,
): string | null {
  const columnRef = (name: string): string => columnOf(view, index, name);
  const inputs = referencedColumns(expr).map(columnRef);
  const broken = inputs
    .filter((column) => erring.has(column))
    .map((column) => `${statusColumn(column)} = 'error'`);
  const overflow = overflowSql(expr, columnRef);
  const errors = [...broken, ...(overflow === null ? [] : [overflow])];
  if (errors.length === 0) return null;
  return `CASE WHEN (${toDuckDb(expr, columnRef)}) IS NOT NULL THEN 'present'
    WHEN ${errors.join(' OR ')} THEN 'error' ELSE 'default' END`;
}
