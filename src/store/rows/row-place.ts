import { createHash } from 'node:crypto';
import type { RowKey } from '../row-store.ts';

const TOKEN_BYTES = 6;

/** Eight characters of base64url that stand for a group in keys: all of one length, and no signs. */
export function groupToken(group: string): string {
  const known = tokens.get(group);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(group).digest();
  const token = hash.subarray(0, TOKEN_BYTES).toString('base64url');
  // Groups are few, but of all plans that there ever were.
  if (tokens.size >= TOKENS_KEPT) tokens.clear();
  tokens.set(group, token);
  return token;
}

const TOKENS_KEPT = 100_000;
const tokens = new Map<string, string>();

/**
 * The bytes of a row's key in a store whose keys are short; rows of a group lie together. Of a long
 * key the end is hashed: two that meet are told apart by the checksum of the record, as corrupt.
 */
export function placeBytes({ group, key }: RowKey, bytesMax: number): Buffer {
  const place = Buffer.from(groupToken(group) + key);
  if (place.length <= bytesMax) return place;
  const hash = createHash('sha256').update(key).digest();
  return Buffer.concat([place.subarray(0, bytesMax - hash.length), hash]);
}
