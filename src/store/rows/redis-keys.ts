import { AsofError } from '../../base/errors.ts';
import { keyHash } from '../key-hash.ts';
import type { RowKey } from '../row-store.ts';
import { groupToken } from './row-place.ts';

const SLOTS = 16_384;
const PREFIX = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * The names of keys in Redis. Rows are spread over buckets by a hash of their key; a bucket is one
 * slot of a Cluster, by its hash tag, and has a control record of its own: so one command reads
 * rows and what they speak for, in one moment, from a master or from a replica.
 *
 * - `{prefix}:{tag}:c` the control record
 * - `{prefix}:{tag}:{epoch}:r{group}{key}` a row, and `…:p{group}{key}` the version before it
 * - `{prefix}:{tag}:{epoch}:h{commit}.{hash}` what a head says
 * - `{prefix}:{tag}:g` the names of groups
 */
export class RedisKeys {
  readonly prefix: string;
  readonly buckets: number;
  readonly #tags: readonly string[];

  constructor(prefix: string, buckets: number) {
    if (!PREFIX.test(prefix)) {
      throw new AsofError('invalid_config', 'A prefix has up to 64 letters, digits, or "_.-".');
    }
    this.prefix = prefix;
    this.buckets = buckets;
    this.#tags = evenTags(buckets);
  }

  bucketOf({ group, key }: RowKey): number {
    if (this.buckets === 1) return 0;
    return ((keyHash(key) ^ keyHash(group)) >>> 0) % this.buckets;
  }

  slotOf(bucket: number): number {
    return slotOfTag(this.#tag(bucket));
  }

  control(bucket: number): string {
    return `${this.prefix}:{${this.#tag(bucket)}}:c`;
  }

  groups(bucket: number): string {
    return `${this.prefix}:{${this.#tag(bucket)}}:g`;
  }

  head(bucket: number, epoch: number, name: string): string {
    return `${this.#base(bucket, epoch)}:h${name}`;
  }

  row(bucket: number, epoch: number, { group, key }: RowKey): string {
    return `${this.#base(bucket, epoch)}:r${groupToken(group)}${key}`;
  }

  previous(bucket: number, epoch: number, { group, key }: RowKey): string {
    return `${this.#base(bucket, epoch)}:p${groupToken(group)}${key}`;
  }

  /** Buckets that hold a copy of what heads say: on as many nodes as there are copies, as a rule. */
  headBuckets(): readonly number[] {
    const copies = Math.min(3, this.buckets);
    return Array.from({ length: copies }, (_, i) => Math.floor((i * this.buckets) / copies));
  }

  /** A pattern of SCAN for all rows of a group, in any bucket, with the versions before them. */
  groupPattern(epoch: number, group: string): string {
    return `${this.prefix}:{*}:${epoch.toString(36)}:[rp]${groupToken(group)}*`;
  }

  /** Where a key that SCAN gave belongs to, or null if it is no row, or a version before one. */
  parse(name: string): { bucket: number; epoch: number; token: string; isRow: boolean } | null {
    const match = /^([^:]+):\{(\w+)\}:(\w+):([rph])/.exec(name);
    if (match === null || match[1] !== this.prefix) return null;
    const bucket = this.#tags.indexOf(match[2] ?? '');
    const from = match[0].length;
    const token = name.slice(from, from + 8);
    const isRow = match[4] === 'r';
    return { bucket, epoch: Number.parseInt(match[3] ?? '', 36), token, isRow };
  }

  #base(bucket: number, epoch: number): string {
    return `${this.prefix}:{${this.#tag(bucket)}}:${epoch.toString(36)}`;
  }

  #tag(bucket: number): string {
    return this.#tags[bucket] ?? '';
  }
}

/** Short tags whose slots lie evenly, so that a Cluster whose nodes have even ranges has even loads. */
function evenTags(buckets: number): string[] {
  const tags: string[] = new Array(buckets).fill('');
  let missing = buckets;
  for (let i = 0; missing > 0; i++) {
    const tag = i.toString(36);
    const slot = slotOfTag(tag);
    const bucket = Math.floor((slot * buckets) / SLOTS);
    if (tags[bucket] !== '') continue;
    tags[bucket] = tag;
    missing -= 1;
  }
  return tags;
}

/** CRC16 of XMODEM, as Redis Cluster maps keys to slots. */
export function slotOfTag(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = ((crc & 0x8000) !== 0 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
    }
  }
  return crc % SLOTS;
}
