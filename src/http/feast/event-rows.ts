import { hash } from 'node:crypto';
import { parseTime } from '../../schema/time-text.ts';
import type { WriteTarget } from './feast-port.ts';
import type { Columns } from './online-request.ts';

/** The names that Feast's client gives times, whatever those of the view are. */
const EVENT_TIME = 'event_timestamp';
const CREATED = 'created';

/**
 * Events of what a Feast client sent: join keys and features under the source's names, times by its
 * clock columns. A row without the id that the source asks for gets one of what it says: sent again,
 * as the client does when an answer is lost, it is the same event.
 */
export function eventRows(df: Columns, target: WriteTarget): readonly object[] {
  const columns = eventColumns(df, target);
  const { textId, source } = target;
  const isNamed = textId === null || columns.some(([name]) => name === textId);
  return Array.from({ length: df.rowCount }, (_, i) => {
    const row = new Map(columns.map(([name, values]) => [name, values[i]]));
    if (!isNamed) row.set(textId, idOf(source, row));
    return Object.fromEntries(row);
  });
}

/** Those that the source does not know are sent on by their names, and refused by name at the door. */
function eventColumns(df: Columns, target: WriteTarget): [string, readonly unknown[]][] {
  const { columnOf, eventTime, arrivalTime, times } = target;
  const columns = new Map<string, readonly unknown[]>();
  for (const [name, values] of df.values) {
    const column = columnOf.get(name);
    if (column !== undefined) columns.set(column, values);
  }
  for (const [name, values] of df.values) {
    if (columnOf.has(name)) continue;
    if (name === EVENT_TIME) addOnce(columns, eventTime, values);
    else if (name === CREATED) addOnce(columns, arrivalTime, values);
    else addOnce(columns, name, values);
  }
  return [...columns].map(([name, values]) => [
    name,
    times.has(name) ? values.map(feastTimeMs) : values,
  ]);
}

/** A time under its own name goes before the one that Feast's client adds. */
function addOnce(
  columns: Map<string, readonly unknown[]>,
  name: string | null,
  values: readonly unknown[],
): void {
  if (name !== null && !columns.has(name)) columns.set(name, values);
}

const NAIVE = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?$/;
const FINE = /(\.\d{3})\d+/;

/**
 * Epoch milliseconds of a time as Feast sends it: text without a zone is UTC, numbers are seconds,
 * and what is finer than a millisecond is cut off. What is no such time is left for the door to refuse.
 */
export function feastTimeMs(given: unknown): unknown {
  if (typeof given === 'bigint') return given * 1000n;
  // Half a microsecond more than what a double of seconds may have lost.
  if (typeof given === 'number') return Math.floor(given * 1000 + 0.0005);
  if (typeof given !== 'string') return given;
  const text = given.replace(FINE, '$1');
  return parseTime(NAIVE.test(text) ? `${text}Z` : text) ?? given;
}

const ID_LENGTH = 32;

function idOf(source: string, row: ReadonlyMap<string, unknown>): string {
  const sorted = [...row].sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([source, sorted], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return `feast-${hash('sha256', text, 'hex').slice(0, ID_LENGTH)}`;
}
