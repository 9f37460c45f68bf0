import { crc32 } from 'node:zlib';
import { AsofError } from '../../base/errors.ts';
import type { StoreHead } from '../row-store.ts';

const FORMAT = 1;

/** A head as bytes: `u8 format · u32 checksum · JSON`. */
export function encodeHead(head: StoreHead): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const bytes = Buffer.allocUnsafe(5 + text.length);
  bytes[0] = FORMAT;
  bytes.writeUInt32LE(crc32(text), 1);
  bytes.set(text, 5);
  return bytes;
}

/** @throws AsofError `newer_format`, `store_unavailable` where it is damaged */
export function decodeHead(bytes: Uint8Array): StoreHead {
  const format = bytes[0] ?? 0;
  if (format > FORMAT) {
    throw new AsofError('newer_format', `The online store has format ${format}, not ${FORMAT}.`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + 5, Math.max(0, bytes.length - 5));
  const checksum =
    bytes.length < 5 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
  if (format !== FORMAT || crc32(text) !== checksum) throw damagedHead();
  return JSON.parse(text.toString('utf8'));
}

export function damagedHead(): AsofError {
  return new AsofError('store_unavailable', 'The head of the online store is damaged: rebuild it.');
}
