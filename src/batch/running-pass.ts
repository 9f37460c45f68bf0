import { present } from '../base/assert.ts';
import { windowAt } from './direct-pass.ts';
import type { PassInput } from './pass.ts';
import { partColumns } from './state-sql.ts';

/**
 * What only ever moves one way as events become visible: the newest event seen, the least and
 * greatest value of a lifetime. One running aggregate in the order of visibility serves `last` over
 * every open window: the newest event that is visible either lies in the window or none does.
 */
export function runningSql(input: PassInput): string {
  const { tables, needs, states } = input;
  const { group, rows, events } = tables;
  const used = [...new Set(needs.map((need) => need.accumulator))];
  const spec = (accumulator: number) =>
    present(group.accumulators[accumulator], 'the group has the accumulator');
  const state = (accumulator: number) => present(states[accumulator], 'a state');
  const running = used.flatMap((accumulator) => {
    const columns = state(accumulator).ofEvent.map((_, index) => `a${accumulator}_${index}`);
    return state(accumulator)
      .merge(columns)
      .map((sql, index) => `${sql} OVER seen AS b${accumulator}_${index}`);
  });
  const ofEvents = used.flatMap((accumulator) =>
    state(accumulator).ofEvent.map((sql, index) => `${sql} AS a${accumulator}_${index}`),
  );
  const blanks = used.flatMap((accumulator) => state(accumulator).ofEvent.map(() => 'NULL'));
  const starts = [...new Set(needs.map((need) => need.window))].map((at) => `s${at}`);
  const results = needs.flatMap((need) => {
    const [name] = partColumns(need, state(need.accumulator));
    const value = `b${need.accumulator}_0`;
    if (windowAt(group.windows, need.window).kind === 'lifetime') return [`${value} AS ${name}`];
    const isLast = spec(need.accumulator).fn === 'last';
    if (!isLast) return [];
    const eventTime = `b${need.accumulator}_1 >> 64`;
    return [`CASE WHEN ${eventTime} >= s${need.window} THEN ${value} END AS ${name}`];
  });
  return `SELECT r, ${results.join(', ')} FROM (
      SELECT r, ${[...starts, ...running].join(', ')}
      FROM (
        SELECT k, visible AS moment, 0 AS isrow, NULL::BIGINT AS r,
          ${[...starts.map((name) => `NULL::BIGINT AS ${name}`), ...ofEvents].join(', ')}
        FROM ${events}
        UNION ALL
        SELECT k, v, 1, r, ${[...starts, ...blanks].join(', ')} FROM ${rows})
      WINDOW seen AS (PARTITION BY k ORDER BY moment, isrow ROWS UNBOUNDED PRECEDING)
      QUALIFY isrow = 1)`;
}
