import { sqlName } from '../ingest/archive-relation.ts';
import type { ComputedParts } from './compute-parts.ts';
import type { FeatureWork } from './feature-work.ts';
import { featuresSql, outputColumns } from './finish-sql.ts';
import { SPINE, type Spine } from './spine.ts';
import type { StatusColumns } from './status-columns.ts';
import type { TrainingOptions } from './training-options.ts';
import { cellSql, lineSql, shownSql } from './training-output.ts';

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

function keptColumns(spine: Spine): string[] {
  return spine.kept === 'lines' ? ['line'] : spine.columns.map((_, index) => `c${index}`);
}

/** The features of all rows of the spine, beside its own columns. */
export function featuresOf(work: FeatureWork, parts: ComputedParts, spine: Spine): string {
  const kept = keptColumns(spine);
  const from = `(SELECT ${['r', ...kept, ...validSql(work)].join(', ')} FROM ${SPINE})`;
  return featuresSql(work, parts, from, ['r', ...kept], true);
}

/** What a row of the training set has beside the spine's own columns. */
export interface AddedColumn {
  readonly name: string;
  readonly sql: string;
}

export function outputsOf(
  work: FeatureWork,
  statuses: StatusColumns,
  names: readonly string[],
  options: TrainingOptions,
): AddedColumn[] {
  return outputColumns(work).flatMap((output, index) => {
    const type = work.service.features[index]?.type ?? { kind: 'int64' };
    const name = names[index] ?? output.name;
    const sql = cellSql(type, shownSql(type, output.column), options.out);
    const status = options.statuses === true ? (statuses.columns[index] ?? null) : null;
    return [{ name, sql }, ...(status === null ? [] : [{ name: `${name}_status`, sql: status }])];
  });
}

export function outputSql(sql: string, spine: Spine, added: readonly AddedColumn[]): string {
  if (spine.kept === 'lines') return `SELECT ${lineSql(added)} FROM (${sql}) ORDER BY r`;
  const own = spine.columns.map((column, index) => `c${index} AS ${sqlName(column.name)}`);
  const shown = added.map((one) => `${one.sql} AS ${sqlName(one.name)}`);
  return `SELECT ${[...own, ...shown].join(', ')} FROM (${sql}) ORDER BY r`;
}
