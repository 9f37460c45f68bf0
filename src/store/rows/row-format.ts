import { crc32 } from 'node:zlib';
import { keyHash } from '../key-hash.ts';
import type { RowKey, StoreFault } from '../row-store.ts';

/**
 * A row in a store outside, little-endian:
 *
 * `u8 format · u32 checksum · u8 flags · u48 generation · u48 commit · u16 check · body ·
 * u48 previous · u16 check`
 *
 * The checksum covers what lies between it and `previous`, and depends on format, group, and key: a
 * record that stands where another belongs is not taken for it. `previous` is the commit of the
 * version before this one (0: none); a store fills it in when it writes, so it has a check of its
 * own. So have generation and commit, which a store's function goes by that can do no checksums.
 */
export const ROW_FORMAT = 1;
export const ROW_HEADER = 20;
export const ROW_TAIL = 8;
/** What a row costs beside its body, its key, and the store's own bookkeeping. */
export const ROW_OVERHEAD = ROW_HEADER + ROW_TAIL;

const REMOVED = 1;
const FENCE_AT = 6;
const COMMIT_AT = 12;
const FENCE_CHECK_AT = 18;
const CHECK_MODULUS = 65_521;

/** Of two writes of one row the later one stays: by generation, then by commit. */
export interface RowFence {
  readonly generation: number;
  readonly commit: number;
}

export interface RowVersion extends RowFence {
  /** The commit of the version before; 0 where the row was not there, or nobody knows. */
  readonly previousCommit: number;
  /** A view of the record's bytes; null: the row was removed. */
  readonly body: Uint8Array | null;
}

export function isLater(a: RowFence, b: RowFence): boolean {
  return a.generation === b.generation ? a.commit > b.commit : a.generation > b.generation;
}

/** Without the last `ROW_TAIL` bytes, which `rowTail` gives. */
export function encodeRowHead(key: RowKey, fence: RowFence, body: Uint8Array | null): Buffer {
  const length = body?.length ?? 0;
  const bytes = Buffer.allocUnsafe(ROW_HEADER + length);
  bytes[0] = ROW_FORMAT;
  bytes[5] = body === null ? REMOVED : 0;
  bytes.writeUIntLE(fence.generation, FENCE_AT, 6);
  bytes.writeUIntLE(fence.commit, COMMIT_AT, 6);
  bytes.writeUInt16LE(checkOf(fence.generation, fence.commit), FENCE_CHECK_AT);
  if (body !== null) bytes.set(body, ROW_HEADER);
  bytes.writeUInt32LE(checksum(bytes, bytes.subarray(ROW_HEADER), key), 1);
  return bytes;
}

export function encodeRow(
  key: RowKey,
  fence: RowFence,
  body: Uint8Array | null,
  previousCommit: number,
): Buffer {
  const head = encodeRowHead(key, fence, body);
  const tail = Buffer.allocUnsafe(ROW_TAIL);
  tail.writeUIntLE(previousCommit, 0, 6);
  tail.writeUInt16LE(checkOf(0, previousCommit), 6);
  return Buffer.concat([head, tail]);
}

/** The fence alone, by its own check; null where it is damaged. */
export function readFence(bytes: Uint8Array): RowFence | null {
  if (bytes.length < ROW_OVERHEAD || bytes[0] !== ROW_FORMAT) return null;
  const generation = u48(bytes, FENCE_AT);
  const commit = u48(bytes, COMMIT_AT);
  const check = u16(bytes, FENCE_CHECK_AT);
  return checkOf(generation, commit) === check ? { generation, commit } : null;
}

/** The version in `bytes`, whose body is a view of them; or why it is none. */
export function decodeRow(bytes: Uint8Array, key: RowKey): RowVersion | StoreFault {
  const end = bytes.length - ROW_TAIL;
  if (end < ROW_HEADER) return corrupt(`it has ${bytes.length} bytes`, key);
  const format = bytes[0] as number;
  if (format !== ROW_FORMAT) return corrupt(`its format is ${format}, not ${ROW_FORMAT}`, key);
  const body = bytes.subarray(ROW_HEADER, end);
  if (checksum(bytes, body, key) !== u32(bytes, 1)) return corrupt('its checksum differs', key);
  const previousCommit = u48(bytes, end);
  if (checkOf(0, previousCommit) !== u16(bytes, end + 6)) return corrupt('its end differs', key);
  const isRemoved = ((bytes[5] as number) & REMOVED) !== 0;
  return {
    generation: u48(bytes, FENCE_AT),
    commit: u48(bytes, COMMIT_AT),
    previousCommit,
    body: isRemoved ? null : body,
  };
}

export function isFault(found: object): found is StoreFault {
  return 'fault' in found;
}

function corrupt(why: string, { group, key }: RowKey): StoreFault {
  // Keys may be personal: they are in no message.
  return { fault: 'corrupt', message: `A row of ${group} (${key.length} characters): ${why}.` };
}

/** Of all but the end; each step tells apart whatever the one before did, so no flip is lost. */
function checksum(bytes: Uint8Array, body: Uint8Array, { group, key }: RowKey): number {
  let seed = keyHash(key) ^ Math.imul(groupHash(group), 31) ^ (bytes[0] as number);
  for (let at = FENCE_AT - 1; at < ROW_HEADER; at++) {
    seed = Math.imul(seed ^ (bytes[at] as number), 0x01000193);
  }
  return crc32(body, seed >>> 0);
}

let hashedGroup = '';
let hashOfGroup = 0;

/** Rows of one group come together, so the last hash is mostly the one that is asked for. */
function groupHash(group: string): number {
  if (group !== hashedGroup) {
    hashOfGroup = keyHash(group);
    hashedGroup = group;
  }
  return hashOfGroup;
}

/** Small enough that Lua's numbers compute it exactly. */
function checkOf(generation: number, commit: number): number {
  const mixed = (generation % CHECK_MODULUS) * 30_011 + (commit % CHECK_MODULUS) * 40_503;
  return (mixed + 257) % 0x10000;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) + (bytes[at + 1] as number) * 0x100;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    u16(bytes, at) + (bytes[at + 2] as number) * 0x10000 + (bytes[at + 3] as number) * 0x1000000
  );
}

function u48(bytes: Uint8Array, at: number): number {
  return u32(bytes, at) + u16(bytes, at + 4) * 0x100000000;
}
