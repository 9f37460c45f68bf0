import type { Pause } from '../../base/pause.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type { RowWrite, StoreUsage } from '../row-store.ts';
import { asStoreError, RedisFunction } from './redis-call.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { RedisLink, RedisServer } from './redis-link.ts';
import { groupToken } from './row-place.ts';

/** Removes keys of one bucket. */
export type Remove = (bucket: number, names: readonly string[]) => Promise<void>;

/** Looks through all keys of the store: what concerns whole groups, and never a single read. */
export class RedisSurvey {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #function: RedisFunction;
  readonly #noted = new Set<string>();

  constructor({ link, keys, pause }: { link: RedisLink; keys: RedisKeys; pause: Pause }) {
    this.#link = link;
    this.#keys = keys;
    this.#function = new RedisFunction({ link, pause });
  }

  /** Keeps the names of groups, which keys have only a hash of. */
  async note(rows: readonly RowWrite[]): Promise<void> {
    for (const { group } of rows) {
      if (this.#noted.has(group)) continue;
      for (const bucket of this.#keys.headBuckets()) {
        const key = this.#keys.groups(bucket);
        await this.#function.send(this.#keys.slotOf(bucket), ['SADD', key, group]);
      }
      this.#noted.add(group);
    }
  }

  async remove(group: string, epoch: number, remove: Remove): Promise<void> {
    await this.#sweep(this.#keys.groupPattern(epoch, group), () => true, remove);
    this.#noted.delete(group);
    for (const bucket of this.#keys.headBuckets()) {
      const key = this.#keys.groups(bucket);
      await this.#function.send(this.#keys.slotOf(bucket), ['SREM', key, group]);
    }
  }

  /** What an epoch before left: nobody reads it. */
  async removeBefore(epoch: number, remove: Remove): Promise<void> {
    this.#noted.clear();
    for (const bucket of this.#keys.headBuckets()) {
      await this.#function.send(this.#keys.slotOf(bucket), ['DEL', this.#keys.groups(bucket)]);
    }
    const pattern = `${this.#keys.prefix}:{*}:*`;
    await this.#sweep(pattern, (found) => found.epoch < epoch, remove);
  }

  /** Rows are counted by what SCAN gives; sizes are those of a sample of each server. */
  async usage(): Promise<StoreUsage> {
    const names = await this.#groups();
    const totals = new Map(
      [...names.values()].map((group) => [group, { group, rows: 0, bytes: 0 }]),
    );
    let isSampled = false;
    for (const server of await this.#masters()) {
      const sizes = new Map<string, { rows: number; sampled: number; bytes: number }>();
      for await (const keys of this.#scan(server, `${this.#keys.prefix}:{*}:*:r*`)) {
        for (const key of keys) {
          const group = names.get(this.#keys.parse(key)?.token ?? '');
          if (group === undefined) continue;
          const size = sizes.get(group) ?? { rows: 0, sampled: 0, bytes: 0 };
          sizes.set(group, size);
          size.rows += 1;
          if (size.sampled >= SERVING_LIMITS.redisUsageSample / names.size) continue;
          size.sampled += 1;
          size.bytes += Number(await this.#ask(server, ['MEMORY', 'USAGE', key]));
        }
      }
      for (const [group, { rows, sampled, bytes }] of sizes) {
        const total = totals.get(group);
        if (total === undefined) continue;
        total.rows += rows;
        total.bytes += Math.round((bytes / Math.max(1, sampled)) * rows);
        if (sampled < rows) isSampled = true;
      }
    }
    return { isSampled, groups: [...totals.values()] };
  }

  async ping(): Promise<void> {
    for (const server of await this.#masters()) await this.#ask(server, ['PING']);
  }

  /** The names of groups by what stands for them in keys. */
  async #groups(): Promise<Map<string, string>> {
    const names = new Map<string, string>();
    for (const bucket of this.#keys.headBuckets()) {
      const key = this.#keys.groups(bucket);
      const reply = await this.#function.send(this.#keys.slotOf(bucket), ['SMEMBERS', key]);
      const members: Iterable<unknown> = Array.isArray(reply) || reply instanceof Set ? reply : [];
      for (const member of members) names.set(groupToken(String(member)), String(member));
    }
    return names;
  }

  async #sweep(
    pattern: string,
    isWanted: (found: { bucket: number; epoch: number }) => boolean,
    remove: Remove,
  ): Promise<void> {
    for (const server of await this.#masters()) {
      for await (const keys of this.#scan(server, pattern)) {
        const byBucket = new Map<number, string[]>();
        for (const key of keys) {
          const found = this.#keys.parse(key);
          if (found === null || found.bucket < 0 || !isWanted(found)) continue;
          byBucket.set(found.bucket, [...(byBucket.get(found.bucket) ?? []), key]);
        }
        for (const [bucket, names] of byBucket) await remove(bucket, names);
      }
    }
  }

  async *#scan(server: RedisServer, pattern: string): AsyncGenerator<string[]> {
    const count = String(SERVING_LIMITS.redisScanCount);
    let cursor = '0';
    do {
      const reply = await this.#ask(server, ['SCAN', cursor, 'MATCH', pattern, 'COUNT', count]);
      const [next, keys] = Array.isArray(reply) ? reply : ['0', []];
      cursor = String(next);
      if (Array.isArray(keys)) yield keys.map(String);
    } while (cursor !== '0');
  }

  async #masters(): Promise<readonly RedisServer[]> {
    try {
      return await this.#link.masters();
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async #ask(server: RedisServer, args: readonly string[]): Promise<unknown> {
    return this.#function.within(server.send(args));
  }
}
