import { unreachable } from '../../base/assert.ts';
import { AsofError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { formatDecimal } from '../../schema/json.ts';
import { canonicalInteger } from '../../schema/types.ts';
import type { Column } from './generated/asof/v1/features_pb.ts';

/** What a sent column holds at one row, as a JSON body would say it. */
type Sent = number | bigint | string | boolean | null | readonly number[] | Units;

/** A decimal as it was sent. */
export interface Units {
  readonly units: bigint;
  readonly scale: number;
}

export interface SentColumn {
  readonly name: string;
  readonly count: number;
  /** Null where the row is null. */
  readonly at: (row: number) => Sent;
}

const MAX_SCALE = 18;

/**
 * Columns of one request, checked against each other.
 * @throws AsofError `bad_request`, `too_many_rows`
 */
export function sentColumns(columns: readonly Column[], mostRows: number): SentColumn[] {
  if (columns.length > LIMITS.rpcColumns) {
    throw refusal('columns', `The request has ${columns.length} columns.`);
  }
  const read: SentColumn[] = [];
  const names = new Set<string>();
  for (const [i, column] of columns.entries()) {
    const path = `columns[${i}]`;
    const { name } = column;
    if (name === '') throw refusal(`${path}.name`, `Column ${i} has no name.`);
    if (names.has(name)) throw refusal(`${path}.name`, `There are two columns '${shown(name)}'.`);
    names.add(name);
    const one = sentColumn(column, path);
    const count = read[0]?.count ?? one.count;
    if (one.count !== count) {
      const text = `'${shown(name)}' has ${one.count} values, and the columns before it ${count}.`;
      throw refusal(path, text);
    }
    if (count > mostRows) {
      const text = `The request has ${count} rows; the limit is ${mostRows}.`;
      throw new AsofError('too_many_rows', text, { path: 'columns' });
    }
    read.push(one);
  }
  return read;
}

function sentColumn(column: Column, path: string): SentColumn {
  const { name, nulls, statuses } = column;
  if (statuses.length > 0) throw refusal(`${path}.statuses`, 'A request has no statuses.');
  const { count, at } = valuesOf(column, path);
  if (nulls.length === 0) return { name, count, at };
  if (nulls.length !== Math.ceil(count / 8)) {
    const text = `'${shown(name)}' has ${nulls.length} bytes of nulls for ${count} rows.`;
    throw refusal(`${path}.nulls`, text);
  }
  const isNull = (row: number): boolean => ((nulls[row >> 3] as number) & (1 << (row & 7))) !== 0;
  return { name, count, at: (row) => (isNull(row) ? null : at(row)) };
}

function valuesOf({ name, values }: Column, path: string): Omit<SentColumn, 'name'> {
  switch (values.case) {
    case 'int64s':
      return integers(values.value.values);
    case 'timestamps':
      return integers(values.value.valuesMs);
    case 'decimals': {
      const { units, scale } = values.value;
      if (scale > MAX_SCALE) throw refusal(path, `A scale of ${scale} is beyond ${MAX_SCALE}.`);
      return { count: units.length, at: (row) => ({ units: units[row] as bigint, scale }) };
    }
    case 'doubles':
    case 'floats':
    case 'bools':
    case 'strings':
      return plain(values.value.values);
    case 'vectors': {
      const { values: all, size } = values.value;
      if (size === 0 || all.length % size !== 0) {
        throw refusal(path, `${all.length} values are no whole vectors of ${size}.`);
      }
      return { count: all.length / size, at: (row) => all.slice(row * size, (row + 1) * size) };
    }
    case 'lists':
    case 'counts':
      throw refusal(path, `'${shown(name)}' is a list; no key, field or column is one.`);
    case undefined:
      throw refusal(path, `The column '${shown(name)}' has no values of a type that is known.`);
    default:
      return unreachable(values);
  }
}

function integers(values: readonly bigint[]): Omit<SentColumn, 'name'> {
  return { count: values.length, at: (row) => canonicalInteger(values[row] as bigint) };
}

function plain(values: readonly (number | boolean | string)[]): Omit<SentColumn, 'name'> {
  return { count: values.length, at: (row) => values[row] as Sent };
}

/** A row as the read path takes it: decimals as their exact text. */
export function rowsOf(columns: readonly SentColumn[]): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  const count = columns[0]?.count ?? 0;
  for (let row = 0; row < count; row++) {
    // A name such as `__proto__` is refused as any other that is not known.
    const fields: Record<string, unknown> = Object.create(null);
    for (const { name, at } of columns) {
      const value = at(row);
      fields[name] = isUnits(value) ? formatDecimal(value.units, value.scale) : value;
    }
    rows.push(fields);
  }
  return rows;
}

export function isUnits(value: Sent): value is Units {
  return typeof value === 'object' && value !== null && 'units' in value;
}

function refusal(path: string, message: string): AsofError {
  return new AsofError('bad_request', message, {
    path,
    remedy: 'Send one typed column for each join key and request field, all of one length.',
  });
}

function shown(name: string): string {
  return name.length > 60 ? `${name.slice(0, 60)}…` : name;
}
