import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { RowKey, StoredRow, StoreFault } from '../row-store.ts';
import { damagedHead } from './head-format.ts';
import type { LmdbTables } from './lmdb-file.ts';
import { decodeRow, isFault, isLater, readFence } from './row-format.ts';
import { placeBytes } from './row-place.ts';

export const GENERATION = Buffer.from('generation');
/** Before a record: the wall time at which the row may go, 0 for never. */
export const EXPIRY_BYTES = 8;
export const AT_ONCE = 1;

export function generationIn({ meta }: LmdbTables): number {
  const bytes = meta.getBinary(GENERATION);
  if (bytes === undefined) return 0;
  const generation = Number(bytes.toString('latin1'));
  if (!Number.isSafeInteger(generation)) throw damagedHead();
  return generation;
}

export function isNewer(value: Buffer, before: Buffer): boolean {
  const fence = readFence(before.subarray(EXPIRY_BYTES));
  const own = readFence(value.subarray(EXPIRY_BYTES));
  return fence === null || own === null || isLater(own, fence);
}

export function putRow({ rows }: LmdbTables, place: Buffer, value: Buffer): void {
  const before = rows.getBinary(place);
  if (before !== undefined && !isNewer(value, before)) return;
  const isRemoved = value.readDoubleLE(0) === AT_ONCE;
  if (!isRemoved) rows.putSync(place, value);
  else if (before !== undefined) rows.removeSync(place);
}

export function readRow({ rows }: LmdbTables, key: RowKey): StoredRow | StoreFault | null {
  const value = rows.getBinary(placeBytes(key, SERVING_LIMITS.lmdbKeyBytes));
  if (value === undefined) return null;
  const version = decodeRow(value.subarray(EXPIRY_BYTES), key);
  if (isFault(version)) return version;
  return version.body === null ? null : { body: version.body, sinceCommit: version.commit };
}
