import { AsofError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { toDuckDb } from '../../expr/duckdb.ts';
import type { ExprNode } from '../../expr/node.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import type { SourcePlan } from '../../plan/plan.ts';
import { columnCalled, presentName } from '../../schema/evolution.ts';
import type { ColumnSchema } from '../../schema/types.ts';
import { EVENT_ORDER, liveEventsSql, shownColumnSql } from './live-events.ts';

/** One row for every live event of a source in `[fromMs, toMs)` of event time. */
export interface EventSpine {
  readonly source: string;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly filter: ExprNode | null;
  /**
   * Output column → column of the source, by its first name or its present one; join keys and
   * request fields are found by present name too.
   */
  readonly columns: Readonly<Record<string, string>>;
}

/** The time column of a spine that is made of events. */
export const EVENT_SPINE_TIME = 'event_time';

/**
 * The rows of the spine in the order (event time, partition, offset), as SQL over the source's
 * offline relation.
 * @throws AsofError `invalid_spine`: a column is not there, or something needed has none
 */
export function eventSpineSql(
  spine: EventSpine,
  source: SourcePlan,
  relation: string,
  needed: readonly string[],
): string {
  const columns = new Map(Object.entries(spine.columns));
  for (const name of needed) {
    if (columns.has(name)) continue;
    const found = columnCalled(source.columns, name);
    if (found === undefined) throw lacks(source, name);
    columns.set(name, found.name);
  }
  if ([...columns.keys()].some((name) => name.toLowerCase() === EVENT_SPINE_TIME)) {
    throw new AsofError('invalid_spine', `'${EVENT_SPINE_TIME}' is the time of each row.`, {
      remedy: `Give the column of '${source.name}' another name in the spine.`,
    });
  }
  const shown = [...columns].map(([name, from]) => {
    return `${shownColumnSql(columnOf(source, from))} AS ${sqlName(name)}`;
  });
  const wanted = [
    ...(spine.fromMs === null ? [] : [`__event_time >= ${spine.fromMs}`]),
    ...(spine.toMs === null ? [] : [`__event_time < ${spine.toMs}`]),
    ...(spine.filter === null ? [] : [toDuckDb(spine.filter, sqlName)]),
  ];
  const where = wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`;
  return `(SELECT ${[...shown, `make_timestamp_ms(__event_time) AS ${EVENT_SPINE_TIME}`].join(', ')}
    FROM ${liveEventsSql(relation, source)} ${where} ORDER BY ${EVENT_ORDER})`;
}

function columnOf(source: SourcePlan, name: string): ColumnSchema {
  // A name that was given up is never that of another column.
  const found =
    columnCalled(source.columns, name) ?? source.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const names = source.columns.map(presentName);
  throw new AsofError(
    'invalid_spine',
    `The source '${source.name}' has no column '${name}'.${didYouMean(name, names)}`,
    { remedy: 'Name a column of the source.' },
  );
}

function lacks(source: SourcePlan, name: string): AsofError {
  const names = source.columns.map(presentName);
  return new AsofError(
    'invalid_spine',
    `The events of '${source.name}' have no column '${name}', which the service needs.${didYouMean(name, names)}`,
    { remedy: `Say which column it is: --columns ${name}=<column of ${source.name}>.` },
  );
}
