import { AsofError, ERRORS } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { writeColumns } from '../schema/columns-writer.ts';
import { schemaFingerprint } from '../schema/fingerprint.ts';
import type { SourceSchema } from '../schema/types.ts';
import type { BulkLines, BulkRetractions, BulkRows, UnreadRow } from './bulk-door.ts';
import { malformedColumns } from './column-block.ts';
import { readColumns } from './columns-body.ts';
import type { LineReader } from './line-reader.ts';
import { ColumnsBody, type RowSlice, textSlices } from './push-body.ts';
import { RowChunk } from './row-chunk.ts';
import type { Shield } from './shield.ts';

/*
 * The rows of one chunk, little-endian, every part at a multiple of 8:
 *
 *   magic u32 | version u8 | flags u8 | zero u16 | rows u32 | bytes of the unread u32
 *   the unread         what its reader refused, as a JSON array of UnreadRow; nothing if none
 *   with ARRIVALS      arrival times, f64 each, NaN for none
 *   with RETRACTIONS   weights i8 | partitions i32 | offsets f64 | event times f64
 *   the rows           with LINES as JSON lines, else as docs/columnar-events.md has them
 */
const MAGIC = 0x424f5341;
const VERSION = 1;
const HEADER_BYTES = 16;
const ARRIVALS = 1;
const RETRACTIONS = 2;
const LINES = 4;

export const BULK_TYPE = 'application/vnd.asof.bulk';

/** The rows of a chunk as the door reads them, checked against the schema. */
export interface BulkBody {
  readonly chunk: RowChunk;
  readonly arrivalTimeMs: Float64Array | null;
  readonly retracts: BulkRetractions | null;
  readonly unread: readonly UnreadRow[];
}

export function encodeBulk(rows: BulkRows | BulkLines, schema: SourceSchema): Uint8Array {
  const retracts = 'retracts' in rows ? rows.retracts : null;
  const { arrivalTimeMs } = rows;
  const unread = 'unread' in rows ? (rows.unread ?? []) : [];
  const unreadBytes = Buffer.from(unread.length === 0 ? '' : JSON.stringify(unread));
  const parts: Uint8Array[] = unread.length === 0 ? [] : [unreadBytes];
  if (arrivalTimeMs !== null) parts.push(bytesOf(arrivalTimeMs));
  if (retracts !== null) {
    const { weights, partitions, offsets, eventTimeMs } = retracts;
    parts.push(bytesOf(weights), bytesOf(partitions), bytesOf(offsets), bytesOf(eventTimeMs));
  }
  const isLines = 'lines' in rows;
  parts.push(
    isLines ? rows.lines : writeColumns(schemaFingerprint(schema), rows.count, rows.columns),
  );
  const padded = parts.map(({ length }) => Math.ceil(length / 8) * 8);
  // The last part ends where it ends.
  padded[parts.length - 1] = parts.at(-1)?.length ?? 0;
  const bytes = new Uint8Array(padded.reduce((sum, size) => sum + size, HEADER_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, VERSION);
  const flags = [arrivalTimeMs !== null && ARRIVALS, retracts !== null && RETRACTIONS];
  view.setUint8(
    5,
    flags.reduce<number>((sum, flag) => sum + Number(flag), isLines ? LINES : 0),
  );
  view.setUint32(8, rows.count, true);
  view.setUint32(12, unreadBytes.length, true);
  let at = HEADER_BYTES;
  for (const [i, part] of parts.entries()) {
    bytes.set(part, at);
    at += padded[i] ?? 0;
  }
  return bytes;
}

/**
 * @throws AsofError `malformed_columns`, `schema_mismatch`, `too_many_rows`, `body_too_large`,
 * `bad_request`
 */
export function readBulk(
  bytes: Uint8Array,
  schema: SourceSchema,
  reader: LineReader | null,
  shield: Shield | null = null,
): BulkBody {
  const body = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw malformedColumns('it does not begin ASOB');
  }
  const flags = view.getUint8(5);
  if (view.getUint8(4) !== VERSION || flags > (ARRIVALS | RETRACTIONS | LINES)) {
    throw malformedColumns(`its version is ${view.getUint8(4)}, and ${VERSION} is known`);
  }
  const count = view.getUint32(8, true);
  if (count > LIMITS.bulkRows) {
    const message = `A chunk may have ${LIMITS.bulkRows} rows; this one has ${count}.`;
    throw new AsofError('too_many_rows', message);
  }
  const cursor = new PartCursor(body);
  const unread = cursor.unread(view.getUint32(12, true));
  const arrivalTimeMs = (flags & ARRIVALS) === 0 ? null : cursor.doubles(count);
  const retracts = (flags & RETRACTIONS) === 0 ? null : cursor.retractions(count);
  const rest = body.subarray(cursor.at);
  const isLines = (flags & LINES) !== 0;
  // Whoever makes columns has read the rows and made tokens; lines are as their sender wrote them.
  const given = isLines ? 'ids' : 'tokens';
  const shielded = shield === null ? null : ({ shield, given } as const);
  const chunk = new RowChunk(schema, Math.max(1, count), 0, reader, null, shielded);
  for (const slice of !isLines ? columnSlices(rest, schema) : lineSlices(rest)) {
    chunk.add(slice);
  }
  if (chunk.count !== count) throw malformedColumns(`it has ${chunk.count} rows, not ${count}`);
  return { chunk, arrivalTimeMs, retracts, unread };
}

function columnSlices(bytes: Uint8Array, schema: SourceSchema): Iterable<RowSlice> {
  return readColumns(new ColumnsBody(bytes), schema, LIMITS.rowsPerSlice);
}

function lineSlices(bytes: Uint8Array): Iterable<RowSlice> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return textSlices(text, 0, LIMITS.rowsPerSlice);
}

/** Reads the parts before the rows, each from a multiple of 8. */
class PartCursor {
  readonly #body: Uint8Array;
  at = HEADER_BYTES;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  unread(size: number): UnreadRow[] {
    if (size === 0) return [];
    try {
      const rows: unknown = JSON.parse(Buffer.from(this.#take(size)).toString());
      if (Array.isArray(rows) && rows.every(isUnread)) return rows;
    } catch (cause) {
      if (cause instanceof AsofError) throw cause;
    }
    throw malformedColumns('its unread rows are none');
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.#take(count * 8));
  }

  retractions(count: number): BulkRetractions {
    return {
      weights: new Int8Array(this.#take(count)),
      partitions: new Int32Array(this.#take(count * 4)),
      offsets: this.doubles(count),
      eventTimeMs: this.doubles(count),
    };
  }

  #take(size: number): ArrayBuffer {
    const end = this.at + size;
    if (end > this.#body.length) throw malformedColumns('it ends within its header');
    const copy = new Uint8Array(size);
    copy.set(this.#body.subarray(this.at, end));
    this.at += Math.ceil(size / 8) * 8;
    return copy.buffer;
  }
}

function isUnread(row: unknown): row is UnreadRow {
  if (typeof row !== 'object' || row === null) return false;
  const { code, column, message, raw, place } = row as Record<string, unknown>;
  const texts = [code, message, raw, place].every((one) => typeof one === 'string');
  return texts && String(code) in ERRORS && (column === null || typeof column === 'string');
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
