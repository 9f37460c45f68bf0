import { present } from '../base/assert.ts';
import type { PassInput } from './pass.ts';
import { aliased, partColumns } from './state-sql.ts';
import { isOpen, startsNoLater } from './window-sql.ts';
import type { WorkWindow } from './work-group.ts';

/**
 * Joins every row with the events of its key in its widest window and aggregates them, all windows
 * and features in one pass. The best plan while windows hold few events.
 */
export function directSql(input: PassInput, bucketMs: number | null): string {
  const { tables, needs } = input;
  const { group, visibility, events } = tables;
  const used = [...new Set(needs.map((need) => need.window))];
  const windows = used.map((at) => windowAt(group.windows, at));
  const widest = used.find((at) =>
    windows.every((other) => startsNoLater(windowAt(group.windows, at), other)),
  );
  const start = widest === undefined ? leastOf(used, 's') : `s${widest}`;
  const end = greatestOf(used, 'e');
  // What is visible by time lies before every open end already.
  const isBounded = visibility === 'position' || visibility === 'outcome';
  const headIsOpen = !isBounded && windows.some(isOpen);
  const conditions = [`et >= ${start}`, 'visible <= v', ...(headIsOpen ? [] : [`et < ${end}`])];
  const filterOf = (window: number): string => {
    const endHolds = isOpen(windowAt(group.windows, window)) && headIsOpen;
    const tests = [
      ...(window === widest || used.length === 1 ? [] : [`et >= s${window}`]),
      ...(endHolds || used.length === 1 ? [] : [`et < e${window}`]),
    ];
    return tests.length === 0 ? '' : ` FILTER (WHERE ${tests.join(' AND ')})`;
  };
  const select = needs.flatMap((need) => {
    const state = present(input.states[need.accumulator], 'a state');
    return aliased(state.direct(filterOf(need.window)), partColumns(need, state));
  });
  return `SELECT r, ${select.join(', ')}
    FROM ${joinSql(tables, events, start, end, bucketMs)}
    WHERE ${conditions.join(' AND ')} GROUP BY r`;
}

/**
 * Rows beside the events of their key, and of their time buckets where keys have long histories. A
 * row has no bucket before the first event or behind the last: a lifetime begins at the epoch.
 */
export function joinSql(
  { rows, events: all }: Pick<PassInput['tables'], 'rows' | 'events'>,
  events: string,
  start: string,
  end: string,
  bucketMs: number | null,
): string {
  if (bucketMs === null) return `${rows} JOIN ${events} USING (k)`;
  const first = `greatest(${start}, coalesce((SELECT min(et) FROM ${all}), 1))`;
  const last = `least(${end} - 1, coalesce((SELECT max(et) FROM ${all}), 0))`;
  const buckets = `unnest(range(${first} // ${bucketMs}, ${last} // ${bucketMs} + 1))`;
  return `(SELECT *, ${buckets} AS bucket FROM ${rows} WHERE ${end} > ${start})
    JOIN (SELECT *, et // ${bucketMs} AS bucket FROM ${events}) USING (k, bucket)`;
}

export function windowAt(windows: readonly WorkWindow[], at: number): WorkWindow {
  return present(windows[at], 'the group has the window');
}

export function leastOf(windows: readonly number[], letter: 's' | 'e'): string {
  const columns = windows.map((at) => `${letter}${at}`);
  return columns.length === 1 ? columns.join('') : `least(${columns.join(', ')})`;
}

export function greatestOf(windows: readonly number[], letter: 's' | 'e'): string {
  const columns = windows.map((at) => `${letter}${at}`);
  return columns.length === 1 ? columns.join('') : `greatest(${columns.join(', ')})`;
}
