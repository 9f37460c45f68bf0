import type { ErrorCode } from '../base/errors.ts';
import { type ColumnSchema, noColumn, type SourceSchema } from '../schema/types.ts';
import { judgeChange, openChange } from './change-oracle.ts';
import { hashId } from './id-table.ts';
import type { OracleEvent, OracleValue } from './oracle-event.ts';

export type { OracleEvent, OracleValue } from './oracle-event.ts';

class Refusal {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    this.code = code;
  }
}

/** A JSON number with the digits it was written in. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Acceptance (semantics §1) as it reads: every rule by a search through all earlier events. Slow
 * and obviously right; the fast path must agree with it on every event. For sources of one
 * partition, or whose events all have ids.
 */
export class AcceptanceOracle {
  readonly #schema: SourceSchema;
  readonly #bounded: boolean;
  readonly events: OracleEvent[] = [];

  constructor(schema: SourceSchema, arrivalBound: 'clock' | 'none' = 'none') {
    this.#schema = schema;
    this.#bounded = arrivalBound === 'clock';
  }

  /**
   * Judges one JSON text; an accepted one becomes part of the past: of an update that is the row
   * which takes the former event back, and the event that is the answer.
   */
  judge(json: string, nowMs: number): OracleEvent | ErrorCode {
    const { columns, arrivalTime, eventTime, id: idColumn, partitions } = this.#schema;
    const changes = this.#schema.changes ?? null;
    let row: unknown;
    try {
      row = JSON.parse(json, (_key, value, context?: { source?: string }) =>
        typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value,
      );
    } catch {
      return 'malformed_json';
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return 'not_an_object';
    if (row instanceof NumberText) return 'not_an_object';
    const given = new Map<string, unknown>(Object.entries(row));
    const opened = changes === null ? null : openChange(given, this.#schema, changes);
    if (typeof opened === 'string') return opened;
    const fields = opened?.fields ?? given;
    const isDelete = opened?.operation === 'delete';
    for (const name of fields.keys()) {
      if (!columns.some((column) => column.name === name)) return 'unknown_column';
    }
    const values: Record<string, OracleValue> = {};
    for (const column of columns) {
      const { name } = column;
      const value = readColumn(fields.get(name) ?? null, column);
      if (value instanceof Refusal) return value.code;
      const timed = name === eventTime || name === arrivalTime;
      const named = changes !== null && (name === idColumn || name === changes.sequence);
      const required = isDelete ? named : timed || named || !column.optional;
      if (value === null && required) return 'missing_column';
      values[name] = value;
    }
    const declaredMs = isDelete ? 0 : Number(values[eventTime]);
    const idValue = idColumn === null ? null : (values[idColumn] ?? null);
    const id = idValue === null ? null : String(idValue);
    const partition = id === null ? 0 : hashId(id) % partitions;
    const earlier = this.events.filter((event) => event.partition === partition);
    const stampMs = Math.max(nowMs, ...earlier.map((event) => event.arrivalTimeMs));
    const declaredArrival = arrivalTime === null ? null : (values[arrivalTime] ?? null);
    const arrivalMs = declaredArrival === null ? stampMs : Number(declaredArrival);
    if (declaredMs < 0 || arrivalMs < 0) return 'invalid_time';
    const aheadMs = declaredArrival === null ? 0 : arrivalMs - nowMs;
    if (this.#bounded && aheadMs > this.#schema.maxClockSkewMs) return 'from_the_future';
    const code = isDelete ? null : this.#timeRules(declaredMs, arrivalMs);
    if (code !== null) return code;
    const eventTimeMs = Math.min(declaredMs, arrivalMs);
    if (changes !== null && opened !== null) {
      const { operation } = opened;
      const sequence = changes.sequence === null ? null : BigInt(String(values[changes.sequence]));
      const arrivalTimeMs = arrivalMs;
      const change = { operation, partition, eventTimeMs, arrivalTimeMs, sequence, values };
      const rows = judgeChange({ ...change, id: String(id) }, earlier, this.#schema, changes);
      if (typeof rows === 'string') return rows;
      this.events.push(...rows);
      return rows.at(-1) ?? 'internal';
    }
    const repeated = earlier.some(
      (event) =>
        event.id !== null &&
        event.id === id &&
        arrivalMs - event.arrivalTimeMs <= this.#schema.dedupeHorizonMs,
    );
    if (repeated) return 'duplicate';
    const event: OracleEvent = {
      partition,
      offset: earlier.length,
      eventTimeMs,
      arrivalTimeMs: arrivalMs,
      id,
      values,
    };
    this.events.push(event);
    return event;
  }

  #timeRules(eventMs: number, arrivalMs: number): ErrorCode | null {
    if (arrivalMs - eventMs > this.#schema.allowedLatenessMs) return 'too_late';
    return eventMs - arrivalMs > this.#schema.maxClockSkewMs ? 'from_the_future' : null;
  }
}

function readColumn(value: unknown, column: ColumnSchema): OracleValue | Refusal {
  if (value === null) return null;
  const read = readTyped(value, column);
  if (read instanceof Refusal || read === null || typeof read === 'object') return read;
  const { min, max } = column;
  if (min !== null && isBelow(read, min)) return new Refusal('out_of_range');
  return max !== null && isBelow(max, read) ? new Refusal('out_of_range') : read;
}

function isBelow(a: OracleValue, b: OracleValue): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  }
  return (a ?? 0) < (b ?? 0);
}

function readTyped(value: unknown, { type }: ColumnSchema): OracleValue | Refusal {
  const text = value instanceof NumberText ? value.text : value;
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean' ? value : new Refusal('wrong_type');
    case 'string':
      return typeof value === 'string' && value.isWellFormed() ? value : new Refusal('wrong_type');
    case 'int64':
      if (value instanceof NumberText && /[.eE]/.test(value.text)) return wholeDouble(value.text);
      return typeof text === 'string' ? readScaled(text, 0, true) : new Refusal('wrong_type');
    case 'decimal':
      return typeof text === 'string'
        ? readScaled(text, type.scale, false)
        : new Refusal('wrong_type');
    case 'float64': {
      const number = typeof text === 'string' && /^[+-]?\d/.test(text) ? Number(text) : Number.NaN;
      if (!Number.isFinite(number)) return new Refusal('wrong_type');
      const scaled = Math.abs(number * 10 ** type.scale);
      return scaled < 2 ** 53 ? number + 0 : new Refusal('out_of_range');
    }
    case 'timestamp':
      return readTime(value);
    case 'vector':
      return readVector(value, type.size);
    default:
      return noColumn(type);
  }
}

/** A decimal text times 10^scale, if that is an int64. */
function readScaled(text: string, scale: number, plain: boolean): bigint | Refusal {
  const pattern = plain ? /^(-?)(\d+)()()$/ : /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
  const match = pattern.exec(text);
  if (match === null) return new Refusal('wrong_type');
  const [, sign, whole = '', fraction = '', exponent = ''] = match;
  const shift = scale - fraction.length + Number(exponent || 0);
  const digits = BigInt(whole + fraction);
  if (shift < 0 && digits % 10n ** BigInt(-shift) !== 0n) return new Refusal('wrong_type');
  const size = shift < 0 ? digits / 10n ** BigInt(-shift) : digits * 10n ** BigInt(shift);
  const value = sign === '-' ? -size : size;
  const fits = value >= -(2n ** 63n) && value < 2n ** 63n;
  return fits ? value : new Refusal('wrong_type');
}

/** A JSON number such as 5.0 or 5e1 is whole too, where its double is. */
function wholeDouble(text: string): bigint | Refusal {
  const number = Number(text);
  return Number.isSafeInteger(number) ? BigInt(number) : new Refusal('wrong_type');
}

function readTime(value: unknown): bigint | Refusal {
  if (value instanceof NumberText) {
    const number = Number(value.text);
    const whole = Number.isInteger(number) && Math.abs(number) <= 8.64e15;
    return whole ? BigInt(number) : new Refusal('invalid_time');
  }
  if (typeof value !== 'string') return new Refusal('wrong_type');
  const zoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/.test(value);
  // Date.parse takes the 30th of February for the 1st of March.
  const day = new Date(zoned ? `${value.slice(0, 10)}T00:00:00Z` : Number.NaN);
  const real = zoned && JSON.stringify(day).slice(1, 11) === value.slice(0, 10);
  const time = real ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? new Refusal('invalid_time') : BigInt(time);
}

function readVector(value: unknown, size: number): readonly number[] | Refusal {
  if (!Array.isArray(value) || value.length !== size) return new Refusal('wrong_type');
  const items: number[] = [];
  for (const item of value) {
    if (!(item instanceof NumberText) || !Number.isFinite(Number(item.text))) {
      return new Refusal('wrong_type');
    }
    const single = Math.fround(Number(item.text));
    if (!Number.isFinite(single)) return new Refusal('out_of_range');
    items.push(single + 0);
  }
  return items;
}
