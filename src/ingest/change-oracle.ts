import { isDeepStrictEqual } from 'node:util';
import type { ErrorCode } from '../base/errors.ts';
import type { ChangeSchema, SourceSchema } from '../schema/types.ts';
import type { OracleEvent, OracleValue } from './oracle-event.ts';

/** A row of a change stream, opened. */
export interface OpenedChange {
  readonly operation: 'insert' | 'update' | 'delete';
  /** The columns; of a delete only those that it needs. */
  readonly fields: ReadonlyMap<string, unknown>;
}

const BESIDE = ['source', 'transaction', 'ts_ms', 'ts_us', 'ts_ns'];

function operationOf(value: unknown, changes: ChangeSchema): OpenedChange['operation'] | null {
  for (const operation of ['insert', 'update', 'delete'] as const) {
    if (changes[operation].some((name) => name === value)) return operation;
  }
  return null;
}

function isObject(value: unknown): value is object {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isPlain && Object.getPrototypeOf(value) === Object.prototype;
}

/** What a row of a change stream does, and to which columns. */
export function openChange(
  row: ReadonlyMap<string, unknown>,
  schema: SourceSchema,
  changes: ChangeSchema,
): OpenedChange | ErrorCode {
  const value = row.get(changes.column) ?? null;
  const operation = operationOf(value, changes);
  const opened =
    changes.shape === 'envelope' && operation !== null
      ? openEnvelope(row, schema, changes, operation)
      : row;
  if (typeof opened === 'string') return opened;
  const isColumn = (name: string): boolean => schema.columns.some((column) => column.name === name);
  const checksNames = operation !== 'delete' && (changes.shape === 'row' || operation !== null);
  if (checksNames && ![...opened.keys()].every(isColumn)) return 'unknown_column';
  if (value === null) return 'missing_column';
  if (typeof value !== 'string' || !value.isWellFormed()) return 'wrong_type';
  if (operation === null) return 'unknown_operation';
  if (operation !== 'delete') return { operation, fields: opened };
  const needed = [changes.column, schema.id, changes.sequence, schema.arrivalTime];
  return { operation, fields: new Map([...opened].filter(([name]) => needed.includes(name))) };
}

function openEnvelope(
  row: ReadonlyMap<string, unknown>,
  schema: SourceSchema,
  { column }: ChangeSchema,
  operation: OpenedChange['operation'],
): ReadonlyMap<string, unknown> | ErrorCode {
  const before = row.get('before') ?? null;
  const after = row.get('after') ?? null;
  for (const part of [before, after]) if (part !== null && !isObject(part)) return 'wrong_type';
  const part = operation === 'delete' ? before : after;
  if (!isObject(part)) return 'missing_column';
  if (operation === 'delete' && after !== null) return 'wrong_type';
  const fields = new Map<string, unknown>(Object.entries(part));
  const was = isObject(before) ? new Map<string, unknown>(Object.entries(before)) : null;
  const ids = [was?.get(schema.id ?? ''), fields.get(schema.id ?? '')].map((id) => id ?? null);
  const moved = operation === 'update' && !ids.includes(null) && textOf(ids[0]) !== textOf(ids[1]);
  if (moved) return 'changed_id';
  for (const [name, value] of row) {
    if (name === 'before' || name === 'after' || name === column) continue;
    const isColumn = schema.columns.some((known) => known.name === name);
    if (!isColumn && !BESIDE.includes(name)) return 'unknown_column';
    if (isColumn && !fields.has(name)) fields.set(name, value);
  }
  fields.set(column, row.get(column));
  return fields;
}

function textOf(id: unknown): string {
  return typeof id === 'object' && id !== null && 'text' in id ? String(id.text) : String(id);
}

/** A change that fits its schema and its times. */
export interface OracleChange {
  readonly operation: OpenedChange['operation'];
  readonly partition: number;
  readonly id: string;
  readonly eventTimeMs: number;
  readonly arrivalTimeMs: number;
  readonly sequence: bigint | null;
  readonly values: Readonly<Record<string, OracleValue>>;
}

/** The rows that the log gets of a change, by a search through all rows of its id before it. */
export function judgeChange(
  change: OracleChange,
  earlier: readonly OracleEvent[],
  schema: SourceSchema,
  changes: ChangeSchema,
): OracleEvent[] | ErrorCode {
  const { operation, id, partition, sequence, arrivalTimeMs } = change;
  const memoryMs = Math.max(2 * changes.horizonMs, schema.dedupeHorizonMs);
  const last = earlier.findLast((event) => event.id === id);
  const ageMs = last === undefined ? Number.POSITIVE_INFINITY : arrivalTimeMs - last.arrivalTimeMs;
  const known = last !== undefined && ageMs <= memoryMs ? last : null;
  if (known !== null && sequence !== null && sequence <= sequenceOf(known, changes)) {
    return 'duplicate';
  }
  const isEvent = known !== null && (known.retracts ?? null) === null;
  const live = isEvent && ageMs <= changes.horizonMs ? known : null;
  if (operation === 'delete' && live === null) return 'not_live';
  if (operation === 'insert' && sequence === null) {
    if (live !== null || ageMs <= schema.dedupeHorizonMs) return 'duplicate';
    return [rowOf(change, earlier.length, arrivalTimeMs)];
  }
  if (live === null) {
    return isEvent ? 'not_live' : [rowOf(change, earlier.length, arrivalTimeMs)];
  }
  if (operation !== 'delete' && sequence === null) {
    const columns = (event: { values: OracleChange['values'] }) =>
      Object.entries(event.values).filter(([name]) => name !== changes.column);
    if (isDeepStrictEqual(columns(live), columns(change))) return 'duplicate';
  }
  // Nobody can know of a change before the event that it changes.
  const atMs = Math.max(arrivalTimeMs, live.arrivalTimeMs);
  const taken: OracleEvent = {
    ...live,
    partition,
    offset: earlier.length,
    arrivalTimeMs: atMs,
    retracts: { partition: live.partition, offset: live.offset },
    sequence,
  };
  return operation === 'delete' ? [taken] : [taken, rowOf(change, earlier.length + 1, atMs)];
}

function rowOf(change: OracleChange, offset: number, arrivalTimeMs: number): OracleEvent {
  const { partition, id, eventTimeMs, sequence, values } = change;
  return { partition, offset, eventTimeMs, arrivalTimeMs, id, values, sequence };
}

/** A row that was read back from a log says it in its column, unless it takes an event back. */
function sequenceOf({ sequence, values }: OracleEvent, changes: ChangeSchema): bigint {
  if (sequence !== null && sequence !== undefined) return sequence;
  return BigInt(String(values[changes.sequence ?? ''] ?? 0));
}
