import { present } from '../base/assert.ts';
import type { PassInput } from './pass.ts';
import type { GroupTables } from './point-tables.ts';
import { aliased, partColumns } from './state-sql.ts';

/**
 * One window over tiles of `tileMs`: a tile whose events all lie inside the window and are all
 * visible to the row is read whole; of the others, the row reads the events one by one. Right for every
 * function and every lateness.
 */
export function tileSql(input: PassInput, window: number, tileMs: number): string {
  const { tables, needs, states } = input;
  const { events } = tables;
  const used = [...new Set(needs.map((need) => need.accumulator))];
  const columnsOf = used.map((accumulator) => {
    const state = present(states[accumulator], 'a state');
    return { state, columns: state.ofEvent.map((_, index) => `a${accumulator}_${index}`) };
  });
  const names = columnsOf.flatMap(({ columns }) => columns);
  const ofEvents = columnsOf.flatMap(({ state, columns }) => aliased(state.ofEvent, columns));
  const merged = columnsOf.flatMap(({ state, columns }) => aliased(state.merge(columns), columns));
  const results = needs.flatMap((need) => {
    const state = present(states[need.accumulator], 'a state');
    const columns = state.ofEvent.map((_, index) => `a${need.accumulator}_${index}`);
    return aliased(state.merge(columns), partColumns(need, state));
  });
  return `WITH
    raw AS (SELECT k, et, visible, et // ${tileMs} AS tile, ${ofEvents.join(', ')} FROM ${events}),
    tiles AS (SELECT k, tile, max(visible) AS newest, min(et) AS oldest,
        max(et) AS latest, ${merged.join(', ')}
      FROM raw GROUP BY k, tile),
    ${tileReadSql(tables, window, tileMs)}
    SELECT r, ${results.join(', ')} FROM (
      SELECT r, ${names.join(', ')} FROM read WHERE settled
      UNION ALL
      SELECT x.r, ${names.map((name) => `raw.${name}`).join(', ')} FROM ${UNSETTLED})
    GROUP BY r`;
}

/**
 * From `tiles`, which tiles each row reads, in `read`; `settled` where all of a tile's events lie
 * in the window and are visible to the row.
 */
export function tileReadSql(tables: GroupTables, window: number, tileMs: number): string {
  const { rows, events } = tables;
  return `reach AS (SELECT min(et) AS oldest, max(et) AS newest FROM ${events}),
    asked AS (SELECT r, k, v, ${tileMs}::BIGINT AS width, s${window} AS s, e${window} AS e,
        greatest(s${window}, oldest) AS low, least(e${window}, newest + 1) AS high
      FROM ${rows}, reach),
    exploded AS (SELECT r, k, v, s, e, width,
        unnest(range(low // width, (high - 1) // width + 1)) AS tile
      FROM asked WHERE high > low),
    read AS MATERIALIZED (SELECT x.*, t.* EXCLUDE (k, tile),
        t.oldest >= s AND t.latest < e AND t.newest <= v AS settled
      FROM exploded x JOIN tiles t ON t.k = x.k AND t.tile = x.tile)`;
}

/** The events that rows `x` read one by one, of `raw`. */
export const UNSETTLED = `(SELECT r, k, v, s, e, tile FROM read WHERE NOT settled) x
      JOIN raw ON raw.k = x.k AND raw.tile = x.tile
      WHERE raw.et >= x.s AND raw.et < x.e AND raw.visible <= x.v`;
