import { joinSql } from './direct-pass.ts';
import type { EntrySql } from './entry-sql.ts';
import type { GroupTables } from './point-tables.ts';
import { aliased, partColumns } from './state-sql.ts';
import { tileReadSql, UNSETTLED } from './tile-pass.ts';
import type { PartNeed } from './work-group.ts';

export interface EntryInput {
  readonly tables: GroupTables;
  readonly entry: EntrySql;
  readonly need: PartNeed;
}

/** Joins every row with the events of its key in the window, and sums them up by entry. */
export function directEntriesSql(input: EntryInput, bucketMs: number | null): string {
  const { tables, need, entry } = input;
  const [start, end] = [`s${need.window}`, `e${need.window}`];
  const events = `(${entriesOfEvents(input, ['k', 'et', 'visible'])})`;
  const isGrouped = entry.from !== 'events' && entry.ofSorted === undefined;
  const found = `SELECT r, ${isGrouped ? SUMMED : 'x, y'}
    FROM ${joinSql(tables, events, start, end, bucketMs)}
    WHERE et >= ${start} AND et < ${end} AND visible <= v ${isGrouped ? 'GROUP BY r, x' : ''}`;
  if (entry.ofSorted === undefined) return summarySql(entry, need, found);
  // Sorting a list takes a quarter of the time that a window over its entries does.
  return `SELECT r, ${aliased([entry.ofSorted], partColumns(need, entry)).join(', ')}
    FROM (SELECT r, list_sort(list(x)) AS xs FROM (${found}) GROUP BY r)`;
}

/** The same over tiles of `tileMs`, each with the entries that can be among those kept. */
export function tileEntriesSql(input: EntryInput, tileMs: number): string {
  const { tables, need, entry } = input;
  const isGrouped = entry.from !== 'events';
  const tile = `et // ${tileMs} AS tile`;
  // One more than is kept tells that there were more.
  const first =
    entry.size === null
      ? ''
      : `QUALIFY row_number() OVER (PARTITION BY k, tile ORDER BY x ${entry.order}) <= ${entry.size + 1}`;
  const found = `WITH
    raw AS (${entriesOfEvents(input, ['k', 'et', 'visible', tile])}),
    tiles AS (SELECT k, tile, max(visible) AS newest, min(et) AS oldest, max(et) AS latest
      FROM raw GROUP BY k, tile),
    held AS (SELECT k, tile, ${isGrouped ? SUMMED : 'x, y, w'}
      FROM raw ${isGrouped ? 'GROUP BY k, tile, x' : ''} ${first}),
    ${tileReadSql(tables, need.window, tileMs)}
    SELECT r, ${isGrouped ? SUMMED : 'x, y'} FROM (
      SELECT r, held.x, held.y, held.w
      FROM read JOIN held ON held.k = read.k AND held.tile = read.tile WHERE settled
      UNION ALL
      SELECT x.r, raw.x, raw.y, raw.w FROM ${UNSETTLED})
    ${isGrouped ? 'GROUP BY r, x' : ''}`;
  return summarySql(entry, need, found);
}

/** Of the events of one entry. */
const SUMMED = 'x, any_value(y) AS y, CAST(sum(w) AS BIGINT) AS w';

/** Events that make an entry, each with its weight. */
function entriesOfEvents({ tables, entry }: EntryInput, columns: readonly string[]): string {
  const weight = tables.group.retractable ? 'w' : '1 AS w';
  return `SELECT * FROM (
      SELECT ${columns.join(', ')}, ${weight}, ${entry.x} AS x, ${entry.y} AS y
      FROM ${tables.events})
    WHERE x IS NOT NULL`;
}

function summarySql(entry: EntrySql, need: PartNeed, found: string): string {
  const names = partColumns(need, entry);
  const results = aliased(entry.summary, names).join(', ');
  if (entry.from === 'events' || entry.from === 'entries') {
    return `SELECT r, ${results} FROM (${found}) GROUP BY r`;
  }
  if (entry.from === 'ranks') {
    return `SELECT r, ${results} FROM (
        SELECT r, x, w, CAST(sum(w) OVER own AS BIGINT) AS upto,
          CAST(sum(w) OVER (own ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS BIGINT)
            AS total
        FROM (${found}) WINDOW own AS (PARTITION BY r ORDER BY x))
      GROUP BY r`;
  }
  const kept = entry.size === null ? '' : `QUALIFY place <= ${entry.size}`;
  return `SELECT r, ${results} FROM (
      SELECT r, x, y, w, row_number() OVER own AS place,
        count(*) OVER (PARTITION BY r) AS entries
      FROM (${found}) WINDOW own AS (PARTITION BY r ORDER BY x ${entry.order}) ${kept})
    GROUP BY r`;
}
