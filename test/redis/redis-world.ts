import { stopwatchMs, systemClock } from '../../src/base/clock.ts';
import { pause } from '../../src/base/pause.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { RowKey, RowStore } from '../../src/store/row-store.ts';
import { RedisKeys } from '../../src/store/rows/redis-keys.ts';
import { openRedisLink, type RedisLink } from '../../src/store/rows/redis-link.ts';
import { RedisRows, type RedisRowsOptions } from '../../src/store/rows/redis-rows.ts';
import type { RowStoreWorld } from '../../src/testing/row-store-world.ts';

export interface RedisWorldOptions {
  readonly urls: readonly string[];
  readonly isCluster: boolean;
  readonly readsReplicas?: boolean;
  readonly buckets?: number;
  readonly previousMs?: number;
  readonly wrapLink?: (link: RedisLink) => RedisLink;
}

let worlds = 0;

/** A store of a prefix of its own on servers that are there. */
export class RedisWorld implements RowStoreWorld {
  readonly prefix: string;
  readonly keys: RedisKeys;
  readonly time = { nowMs: () => Date.now(), pass: (ms: number) => pause(ms) };
  readonly #options: RedisWorldOptions;
  readonly #opened: RowStore[] = [];
  readonly #plain: RedisLink;

  constructor(options: RedisWorldOptions) {
    this.#options = options;
    worlds += 1;
    this.prefix = `w${process.pid}.${worlds}`;
    this.keys = new RedisKeys(this.prefix, options.isCluster ? (options.buckets ?? 64) : 1);
    this.#plain = openRedisLink(this.settings());
  }

  settings(): RedisRowsOptions {
    const { urls, isCluster, readsReplicas = false, buckets, previousMs } = this.#options;
    return {
      urls,
      isCluster,
      readsReplicas,
      ...(buckets === undefined ? {} : { buckets }),
      ...(previousMs === undefined ? {} : { previousMs }),
      prefix: this.prefix,
      random: seededRandom(worlds),
      onError: () => undefined,
      clock: systemClock,
      stopwatchMs,
      pause,
    };
  }

  async open(): Promise<RedisRows> {
    const link = openRedisLink(this.settings());
    const store = new RedisRows(this.settings(), this.#options.wrapLink?.(link) ?? link);
    this.#opened.push(store);
    await connected(store);
    return store;
  }

  async alter(key: RowKey, change: (record: Uint8Array) => Uint8Array): Promise<void> {
    const bucket = this.keys.bucketOf(key);
    const slot = this.keys.slotOf(bucket);
    const control = this.keys.control(bucket);
    const text = String(await this.#send(slot, ['GET', control]));
    const name = this.keys.row(bucket, Number(text.split(' ')[2]), key);
    const record = await this.#send(slot, ['GET', name]);
    const bytes = Buffer.isBuffer(record) ? record : Buffer.alloc(0);
    await this.#send(slot, ['SET', name, Buffer.from(change(bytes))]);
  }

  async #send(slot: number, args: readonly [string, string, ...Buffer[]]): Promise<unknown> {
    return this.#plain.send(slot, args[1], args, 'master');
  }

  async close(): Promise<void> {
    for (const store of this.#opened) await store.close();
    await this.#plain.close();
  }
}

/** A new connection takes a moment; until then commands fail at once. */
async function connected(store: RedisRows): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await store.ping();
      return;
    } catch (error) {
      if (attempt >= 200) throw error;
      await pause(10);
    }
  }
}
