import type { Clock } from '../../base/clock.ts';
import { AsofError } from '../../base/errors.ts';
import type { Pause } from '../../base/pause.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import type {
  ReadOptions,
  RowKey,
  RowStore,
  RowWrite,
  StoreHead,
  StoreLease,
  StoreRead,
  StoreUsage,
} from '../row-store.ts';
import { RedisKeys } from './redis-keys.ts';
import { openRedisLink, type RedisLink, type RedisLinkOptions } from './redis-link.ts';
import { RedisPolicy } from './redis-policy.ts';
import { RedisReader } from './redis-reader.ts';
import { RedisSurvey } from './redis-survey.ts';
import { RedisWriter } from './redis-writer.ts';

export interface RedisRowsOptions extends RedisLinkOptions {
  /** Names the store among others on the same servers; one publisher writes to it. */
  readonly prefix: string;
  /** Of a Cluster: over how many slots rows are spread. The same for all who use the store. */
  readonly buckets?: number;
  /** How long the version before of a row is kept. */
  readonly previousMs?: number;
  readonly clock: Clock;
  readonly stopwatchMs: () => number;
  readonly pause: Pause;
}

/** Rows in Redis or Valkey, on one server or in a Cluster. */
export class RedisRows implements RowStore {
  readonly kind = 'redis';
  readonly #link: RedisLink;
  readonly #reader: RedisReader;
  readonly #writer: RedisWriter;
  readonly #survey: RedisSurvey;
  readonly #policy: RedisPolicy;

  constructor(options: RedisRowsOptions, link: RedisLink = openRedisLink(options)) {
    const { clock, stopwatchMs, pause } = options;
    const { redisBuckets, redisBucketsMax, storePreviousMs } = SERVING_LIMITS;
    const buckets = options.isCluster ? (options.buckets ?? redisBuckets) : 1;
    if (!Number.isSafeInteger(buckets) || buckets < 1 || buckets > redisBucketsMax) {
      throw new AsofError('invalid_config', `Buckets are a number from 1 to ${redisBucketsMax}.`);
    }
    const keys = new RedisKeys(options.prefix, buckets);
    const side = options.readsReplicas ? 'any' : 'master';
    const previousMs = options.previousMs ?? storePreviousMs;
    this.#link = link;
    this.#reader = new RedisReader({ link, keys, side, stopwatchMs, pause });
    this.#writer = new RedisWriter({ link, keys, pause, previousMs, nowMs: () => clock.nowMs() });
    this.#survey = new RedisSurvey({ link, keys, pause });
    this.#policy = new RedisPolicy(link, stopwatchMs);
  }

  async acquire(): Promise<StoreLease> {
    await this.#policy.refuse();
    return this.#writer.acquire((control) => this.#reader.headOf(control));
  }

  async write(lease: StoreLease, commit: number, rows: readonly RowWrite[]): Promise<void> {
    await this.#survey.note(rows);
    await this.#writer.write(lease, commit, rows);
  }

  async publish(lease: StoreLease, head: StoreHead): Promise<void> {
    await this.#policy.refuseLate();
    await this.#writer.publish(lease, head);
  }

  read(keys: readonly RowKey[], options: ReadOptions): Promise<StoreRead> {
    return this.#reader.read(keys, options);
  }

  async dropGroups(lease: StoreLease, groups: readonly string[]): Promise<void> {
    const epoch = this.#writer.epochOf(lease);
    for (const group of groups) {
      await this.#survey.remove(group, epoch, (bucket, names) =>
        this.#writer.drop(lease, bucket, names),
      );
    }
  }

  async clear(lease: StoreLease): Promise<void> {
    const epoch = await this.#writer.clear(lease);
    await this.#survey.removeBefore(epoch, (bucket, names) =>
      this.#writer.drop(lease, bucket, names),
    );
  }

  async usage(): Promise<StoreUsage> {
    return this.#survey.usage();
  }

  async ping(): Promise<void> {
    await this.#survey.ping();
  }

  async close(): Promise<void> {
    await this.#link.close();
  }
}
