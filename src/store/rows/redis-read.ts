import { AsofError } from '../../base/errors.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { RowKey, StoredRow, StoreFault, StoreHead } from '../row-store.ts';
import { type BucketControl, parseControl } from './redis-control.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisLink, RedisSide } from './redis-link.ts';
import { decodeRow, isFault, type RowVersion } from './row-format.ts';

/** What one MGET reads: rows of one bucket, and the bucket's control record in the same moment. */
export interface ReadPart {
  readonly bucket: number;
  /** Places in the list of keys. */
  readonly places: readonly number[];
  control: BucketControl | null;
  /** As many as `places`, once they are there. */
  records: readonly (Buffer | null)[];
  /** Why they are not. */
  fault: StoreFault | null;
}

export const NOT_YET: StoreFault = { fault: 'timeout', message: 'The rows did not come in time.' };

/** The part does not say what the others do: it lost its rows, or is a replica that is far behind. */
export const LOST: StoreFault = {
  fault: 'unavailable',
  message: 'A part of the store has lost its rows.',
};

/** Keys by bucket, a bounded number for each command; buckets alone where there are no keys. */
export function splitRead(keys: readonly RowKey[], names: RedisKeys): ReadPart[] {
  if (keys.length === 0) return Array.from({ length: names.buckets }, (_, i) => newPart(i, []));
  const open = new Map<number, number[]>();
  const parts: ReadPart[] = [];
  for (let at = 0; at < keys.length; at++) {
    const bucket = names.bucketOf(keys[at] as RowKey);
    let places = open.get(bucket);
    if (places === undefined || places.length >= SERVING_LIMITS.redisKeysPerRead) {
      places = [];
      open.set(bucket, places);
      parts.push(newPart(bucket, places));
    }
    places.push(at);
  }
  return parts;
}

function newPart(bucket: number, places: readonly number[]): ReadPart {
  return { bucket, places, control: null, records: [], fault: NOT_YET };
}

/** Fetches one part; its own failure is its fault. @throws AsofError `newer_format` */
export async function fetchPart(
  part: ReadPart,
  keys: readonly RowKey[],
  epoch: number,
  { link, names, side }: { link: RedisLink; names: RedisKeys; side: RedisSide },
): Promise<void> {
  const { bucket, places } = part;
  const control = names.control(bucket);
  const rows = places.map((at) => names.row(bucket, epoch, keys[at] as RowKey));
  try {
    const replies = await readTogether(link, names.slotOf(bucket), [control, ...rows], side);
    const [first, ...records] = replies;
    part.control = first === undefined || first === null ? null : parseControl(first.toString());
    part.records = records;
    part.fault = null;
  } catch (error) {
    if (error instanceof AsofError && error.code === 'newer_format') throw error;
    part.fault = faultOf(error);
  }
}

/**
 * Keys of one slot at one moment. While the slot moves to another node that is not to be had: then
 * the first of them is read before the others, which is as good, as rows only go forward.
 */
async function readTogether(
  link: RedisLink,
  slot: number,
  keys: readonly string[],
  side: RedisSide,
): Promise<(Buffer | null)[]> {
  const [first] = keys as [string];
  try {
    return blobs(await link.send(slot, first, ['MGET', ...keys], side), keys.length);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('TRYAGAIN')) throw error;
  }
  const get = (key: string) => link.send(slot, key, ['GET', key], 'master');
  const control = await get(first);
  const rows = await Promise.all(keys.slice(1).map(get));
  return blobs([control, ...rows], keys.length);
}

/** A reply that is not what was asked for is a fault, never a guess. */
export function blobs(reply: unknown, count: number): (Buffer | null)[] {
  if (!Array.isArray(reply) || reply.length !== count) {
    throw new HalfReply(
      `Redis answered ${Array.isArray(reply) ? reply.length : 0} of ${count} keys.`,
    );
  }
  return reply.map((one: unknown) => {
    if (one === null || Buffer.isBuffer(one)) return one;
    throw new HalfReply('Redis answered something else than bytes.');
  });
}

class HalfReply extends Error {}

export function faultOf(error: unknown): StoreFault {
  if (error instanceof HalfReply) return { fault: 'corrupt', message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const isDamage = error instanceof AsofError;
  return { fault: isDamage ? 'corrupt' : 'unavailable', message };
}

export interface PartsHead {
  readonly epoch: number;
  readonly commit: number;
  readonly hash: string;
}

/** The position that all parts can answer, or why there is none. */
export type Agreement =
  | { readonly kind: 'head'; readonly head: PartsHead }
  | { readonly kind: 'empty' }
  /** Rows were asked for by another epoch's names. */
  | { readonly kind: 'epoch'; readonly epoch: number }
  | { readonly kind: 'none' };

/**
 * The least commit of all parts that are there. Each part's rows contain at least what its control
 * record says; of a row that is further there is the version before.
 */
export function agree(parts: readonly ReadPart[], epoch: number): Agreement {
  const live = parts.filter((part) => part.fault === null);
  if (live.length === 0) return { kind: 'none' };
  const controls = live.flatMap((part) => (part.control === null ? [] : [part.control]));
  if (controls.length === 0) return { kind: 'empty' };
  const newest = Math.max(...controls.map((control) => control.epoch));
  const current = controls.filter((control) => control.epoch === newest);
  // A store that is being cleared, or was never published as a whole, speaks for nothing.
  if (current.some((control) => control.hash === null)) return { kind: 'empty' };
  if (newest !== epoch) return { kind: 'epoch', epoch: newest };
  let least: BucketControl | null = null;
  for (const control of current) {
    if (least === null || control.commit < least.commit) least = control;
  }
  if (least === null || least.hash === null) return { kind: 'empty' };
  for (const part of live) {
    if (part.control?.epoch === newest) continue;
    part.fault = LOST;
  }
  return { kind: 'head', head: { epoch, commit: least.commit, hash: least.hash } };
}

export type ReadRow = StoredRow | StoreFault | null;

/** A row that is ahead of the head, and the version of it that the head's answer needs. */
export interface AheadRow {
  readonly place: number;
  readonly bucket: number;
  readonly previousCommit: number;
}

/** Fills in what is right as of `commit`; gives back what has to be looked up as it was before. */
export function takeRows(
  parts: readonly ReadPart[],
  keys: readonly RowKey[],
  commit: number,
  rows: ReadRow[],
): AheadRow[] {
  const ahead: AheadRow[] = [];
  for (const { bucket, places, records, fault } of parts) {
    for (let i = 0; i < places.length; i++) {
      const place = places[i] as number;
      const record = records[i] ?? null;
      if (fault !== null || record === null) {
        rows[place] = fault;
        continue;
      }
      const version = decodeRow(record, keys[place] as RowKey);
      if (isFault(version) || version.commit <= commit) rows[place] = shown(version);
      else if (version.previousCommit === 0) rows[place] = null;
      else ahead.push({ place, bucket, previousCommit: version.previousCommit });
    }
  }
  return ahead;
}

/** Takes the version before; false where it is not the one that was meant any more. */
export function takePrevious(
  row: AheadRow,
  record: Buffer | null,
  keys: readonly RowKey[],
  commit: number,
  rows: ReadRow[],
): boolean {
  if (record === null) return false;
  const version = decodeRow(record, keys[row.place] as RowKey);
  if (!isFault(version)) {
    if (version.commit !== row.previousCommit || version.commit > commit) return false;
  }
  rows[row.place] = shown(version);
  return true;
}

function shown(version: RowVersion | StoreFault): ReadRow {
  if (isFault(version)) return version;
  return version.body === null ? null : { body: version.body, sinceCommit: version.commit };
}

/** The last few heads by name: one is read by many answers. */
export class KnownHeads {
  readonly #heads = new Map<string, StoreHead>();

  get(name: string): StoreHead | undefined {
    return this.#heads.get(name);
  }

  add(name: string, head: StoreHead): void {
    this.#heads.set(name, head);
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= 16) break;
      this.#heads.delete(oldest);
    }
  }
}
