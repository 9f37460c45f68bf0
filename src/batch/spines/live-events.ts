import { sqlName } from '../../ingest/archive-relation.ts';
import { presentName } from '../../schema/evolution.ts';
import { type ColumnSchema, isRetractable, type SourceSchema } from '../../schema/types.ts';
import { shownSql } from '../training-output.ts';

/** Order of the events of a source: total, so that it is the same every time (semantics §3). */
export const EVENT_ORDER = '__event_time, __partition, __offset';

/** The offline rows of a source that are events, and were not taken back through the cut. */
export function liveEventsSql(relation: string, source: SourceSchema): string {
  if (!isRetractable(source)) return `(SELECT * FROM ${relation})`;
  return `(SELECT e.* FROM ${relation} e ANTI JOIN
      (SELECT __origin_partition, __origin_offset FROM ${relation} WHERE __weight < 0) gone
      ON e.__partition = gone.__origin_partition AND e.__offset = gone.__origin_offset
    WHERE coalesce(e.__weight, 1) > 0)`;
}

/** A column of an event as people write it: a decimal with its point, a time as a timestamp. */
export function shownColumnSql({ name, type }: ColumnSchema): string {
  if (type.kind === 'timestamp') return `make_timestamp_ms(${sqlName(name)})`;
  return shownSql(type, sqlName(name));
}

/** The live events of a source under the present names of its columns, for queries. */
export function shownEventsSql(relation: string, source: SourceSchema): string {
  const columns = source.columns.map(
    (one) => `${shownColumnSql(one)} AS ${sqlName(presentName(one))}`,
  );
  return `(SELECT ${columns.join(', ')} FROM ${liveEventsSql(relation, source)}
    ORDER BY ${EVENT_ORDER})`;
}
