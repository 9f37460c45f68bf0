import { crc32 } from 'node:zlib';

/** A record begins at a multiple of this in its segment. */
export const RECORD_UNIT = 16;
export const RECORD_HEADER = 16;

/** A saved row: `u32 length of the body, u32 checksum, u32 hash of the key, u32 group, body`. */
export interface RowRecord {
  readonly group: number;
  readonly hash: number;
  readonly body: Uint8Array;
}

export function recordBytes(bodyLength: number): number {
  return Math.ceil((RECORD_HEADER + bodyLength) / RECORD_UNIT) * RECORD_UNIT;
}

/** Writes a record at the head of `into`; what lies after the body up to the unit stays as it is. */
export function writeRecord(into: Uint8Array, record: RowRecord, place: number): void {
  const { group, hash, body } = record;
  const view = new DataView(into.buffer, into.byteOffset, RECORD_HEADER);
  view.setUint32(0, body.length, true);
  view.setUint32(8, hash, true);
  view.setUint32(12, group, true);
  into.set(body, RECORD_HEADER);
  view.setUint32(4, checksum(into, body.length, place), true);
}

/** The length of the body that the record's head tells, before anything is checked. */
export function bodyLengthOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, RECORD_HEADER).getUint32(0, true);
}

/** The record at the head of `bytes`, a view of them; null where it fails its checksum. */
export function readRecord(bytes: Uint8Array, place: number): RowRecord | null {
  if (bytes.length < RECORD_HEADER) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  if (RECORD_HEADER + length > bytes.length) return null;
  if (view.getUint32(4, true) !== checksum(bytes, length, place)) return null;
  return {
    group: view.getUint32(12, true),
    hash: view.getUint32(8, true),
    body: bytes.subarray(RECORD_HEADER, RECORD_HEADER + length),
  };
}

/** Depends on the place too: a record that stands where another belongs is not taken for it. */
function checksum(bytes: Uint8Array, length: number, place: number): number {
  return crc32(bytes.subarray(8, RECORD_HEADER + length), (place ^ Math.imul(length, 31)) >>> 0);
}
