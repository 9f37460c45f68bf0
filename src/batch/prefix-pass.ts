import { present } from '../base/assert.ts';
import { greatestOf, leastOf, windowAt } from './direct-pass.ts';
import type { PassInput } from './pass.ts';
import { aliased, partColumns } from './state-sql.ts';
import { isOpen } from './window-sql.ts';

/**
 * Invertible parts by running sums over event time: what lies before a window's end less what lies
 * before its start, less the events between that the row may not see yet. All windows and lanes
 * share one sort of events and window bounds. The sums run on over all keys in one stream, which
 * takes constant time a row: both bounds of a window lie in the same key, so the rest cancels out.
 */
export function prefixSql(input: PassInput, unseenBucketMs: number | null): string {
  const { tables, needs } = input;
  const used = [...new Set(needs.map((need) => need.window))];
  const sums = distinctSums(input);
  const running = sums.map(
    (sum) => `sum(${sum.name}) OVER (ROWS UNBOUNDED PRECEDING) AS ${sum.name}`,
  );
  // Open windows end together: at what the row may see.
  const firstOpen = used.find((at) => isOpen(windowAt(tables.group.windows, at)));
  const endOf = (at: number): string =>
    isOpen(windowAt(tables.group.windows, at)) ? `e${firstOpen}` : `e${at}`;
  const bounds = [...new Set(used.flatMap((at) => [`s${at}`, endOf(at)]))];
  const kinds = bounds.map((_, index) => index);
  const at = (name: string, bound: string): string =>
    `any_value(${name}) FILTER (WHERE kind = ${bounds.indexOf(bound)})`;
  const spans = needs.flatMap((need) => {
    const state = present(input.states[need.accumulator], 'a state');
    const differences = state.ofEvent.map((_, index) => {
      const name = sumName(need.accumulator, index);
      const head = `coalesce(${at(name, endOf(need.window))}, 0)`;
      return `${head} - coalesce(${at(name, `s${need.window}`)}, 0)`;
    });
    return aliased(differences, partColumns(need, state));
  });
  const settled = `SELECT r, ${spans.join(', ')} FROM (
      SELECT r, kind, isevent, ${running.join(', ')}
      FROM (SELECT * FROM (
          SELECT k, et AS moment, 1 AS isevent, NULL::BIGINT AS r, NULL::TINYINT AS kind,
            ${sums.map((sum) => `${sum.sql} AS ${sum.name}`).join(', ')}
          FROM ${tables.events}
          UNION ALL
          SELECT k, unnest([${bounds.join(', ')}]), 0, r, unnest([${kinds.join(', ')}])::TINYINT,
            ${sums.map(() => 'NULL').join(', ')}
          FROM ${tables.rows})
        ORDER BY k, moment, isevent))
    WHERE isevent = 0 GROUP BY r`;
  return unseenBucketMs === null ? settled : lessUnseen(input, settled, unseenBucketMs);
}

interface RunningSum {
  readonly name: string;
  readonly sql: string;
}

function sumName(accumulator: number, index: number): string {
  return `a${accumulator}_${index}`;
}

function distinctSums(input: PassInput): RunningSum[] {
  const used = [...new Set(input.needs.map((need) => need.accumulator))];
  return used.flatMap((accumulator) => {
    const state = present(input.states[accumulator], 'a state');
    return state.ofEvent.map((sql, index) => ({ name: sumName(accumulator, index), sql }));
  });
}

/** A row's events that arrive after what it may see, by buckets of the time between. */
function lessUnseen(input: PassInput, settled: string, bucketMs: number): string {
  const { tables, needs } = input;
  const used = [...new Set(needs.map((need) => need.window))];
  const select = needs.flatMap((need) => {
    const state = present(input.states[need.accumulator], 'a state');
    const filter = ` FILTER (WHERE et >= s${need.window} AND et < e${need.window})`;
    return aliased(state.direct(filter), partColumns(need, state));
  });
  const columns = needs.flatMap((need) => {
    const state = present(input.states[need.accumulator], 'a state');
    return partColumns(need, state).map((name) => `p.${name} - coalesce(u.${name}, 0) AS ${name}`);
  });
  const first = `et // ${bucketMs}`;
  const last = `(visible - 1) // ${bucketMs}`;
  return `WITH late AS (SELECT *, ${first} AS bucket FROM ${tables.events} WHERE visible > et
      UNION ALL
      SELECT *, unnest(range(${first} + 1, ${last} + 1)) FROM ${tables.events}
      WHERE visible > et AND ${last} > ${first}),
    unseen AS (SELECT r, ${select.join(', ')}
      FROM (SELECT *, v // ${bucketMs} AS bucket FROM ${tables.rows}) JOIN late USING (k, bucket)
      WHERE visible > v AND et >= ${leastOf(used, 's')} AND et < ${greatestOf(used, 'e')}
      GROUP BY r)
    SELECT p.r, ${columns.join(', ')} FROM (${settled}) p LEFT JOIN unseen u USING (r)`;
}
