import {
  Admin,
  type AdminOptions,
  Consumer,
  FetchIsolationLevels,
  findErrorBy,
  ListOffsetTimestamps,
} from '@platformatic/kafka';
import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import { type BrokerPartition, readableRecords } from './fetched-records.ts';
import type { FetchedPartition, KafkaClient, KafkaTopic, OffsetBounds } from './kafka-client.ts';

const MAX_WAIT_MS = 500;
const GONE = [
  'OFFSET_OUT_OF_RANGE',
  'UNKNOWN_TOPIC_ID',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INCONSISTENT_TOPIC_ID',
];

export interface BrokerOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls: boolean;
  readonly sasl: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

/** Real brokers, read by offset: no consumer group is joined, and none is asked. */
export class PlatformaticClient implements KafkaClient {
  readonly #consumer: Consumer;
  readonly #brokers: string;
  readonly #options: AdminOptions;
  /** Only where a group is to be told. */
  #admin: Admin | null = null;

  constructor({ brokers, clientId, tls, sasl }: BrokerOptions) {
    this.#options = {
      clientId,
      bootstrapBrokers: [...brokers],
      retries: 1,
      retryDelay: 200,
      connectTimeout: 5_000,
      requestTimeout: 15_000,
      ...(tls ? { tls: {} } : {}),
      ...(sasl === null ? {} : { sasl }),
    };
    this.#consumer = new Consumer({ ...this.#options, groupId: clientId, autocommit: false });
    this.#brokers = brokers.join(', ');
  }

  async topic(name: string): Promise<KafkaTopic | null> {
    try {
      const metadata = await this.#consumer.metadata({ topics: [name], forceUpdate: true });
      const found = metadata.topics.get(name);
      if (found === undefined) return null;
      this.#consumer.topics.track(name);
      return { name, id: found.id, partitions: found.partitionsCount };
    } catch (error) {
      if (hasCode(error, ['UNKNOWN_TOPIC_OR_PARTITION'])) return null;
      throw this.#unreachable(error);
    }
  }

  async bounds({ name, partitions }: KafkaTopic): Promise<OffsetBounds[]> {
    const ask = async (timestamp: bigint): Promise<readonly bigint[]> => {
      const offsets = await this.#consumer.listOffsets({
        topics: [name],
        timestamp,
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      });
      return offsets.get(name) ?? [];
    };
    try {
      const starts = await ask(ListOffsetTimestamps.EARLIEST);
      const ends = await ask(ListOffsetTimestamps.LATEST);
      return Array.from({ length: partitions }, (_, partition) => {
        const [start, end] = [starts[partition], ends[partition]];
        if (start !== undefined && end !== undefined) {
          return { partition, start: Number(start), end: Number(end) };
        }
        throw new Error(`partition ${partition} of '${name}' has no leader`);
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async fetch(
    topic: KafkaTopic,
    from: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): Promise<FetchedPartition[]> {
    try {
      const metadata = await this.#consumer.metadata({ topics: [topic.name] });
      const leaders = metadata.topics.get(topic.name)?.partitions ?? [];
      const byNode = Map.groupBy(from, ([partition]) => leaders[partition]?.leader ?? -1);
      const fetches = [...byNode].map(([node, wanted]) =>
        this.#fetchFrom(node, topic, wanted, signal),
      );
      return (await Promise.all(fetches)).flat();
    } catch (error) {
      signal.throwIfAborted();
      if (hasCode(error, GONE)) return [...from].map(([partition, next]) => gone(partition, next));
      this.#consumer.clearMetadata();
      throw this.#unreachable(error);
    }
  }

  async #fetchFrom(
    node: number,
    topic: KafkaTopic,
    wanted: readonly (readonly [number, number])[],
    signal: AbortSignal,
  ): Promise<FetchedPartition[]> {
    if (node < 0) throw new Error(`partitions of '${topic.name}' have no leader`);
    const each = Math.max(64 * 1024, Math.floor(LIMITS.kafkaFetchBytes / wanted.length));
    const partitions = wanted.map(([partition, offset]) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: each,
    }));
    const answer = this.#consumer.fetch({
      node,
      topics: [{ topicId: topic.id, partitions }],
      minBytes: 1,
      maxBytes: LIMITS.kafkaFetchBytes,
      maxWaitTime: MAX_WAIT_MS,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    });
    const { responses } = await orAborted(answer, signal);
    const offsets = new Map(wanted);
    return responses
      .filter(({ topicId }) => topicId === topic.id)
      .flatMap((response) => response.partitions.flatMap((one) => fetched(one, offsets)));
  }

  async tellGroup(
    groupId: string,
    { name }: KafkaTopic,
    offsets: ReadonlyMap<number, number>,
  ): Promise<void> {
    this.#admin ??= new Admin(this.#options);
    const partitionOffsets = [...offsets].map(([partition, offset]) => {
      return { partition, offset: BigInt(offset) };
    });
    try {
      await this.#admin.alterConsumerGroupOffsets({
        groupId,
        topics: [{ name, partitionOffsets }],
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#consumer.close(true), this.#admin?.close()]);
  }

  #unreachable(cause: unknown): AsofError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new AsofError('source_unreachable', `Kafka at ${this.#brokers}: ${reason}`, {
      path: this.#brokers,
      cause,
    });
  }
}

/** What lingers in the broker's fetch session but was not asked for is left out. */
function fetched(
  partition: BrokerPartition,
  offsets: ReadonlyMap<number, number>,
): FetchedPartition[] {
  const from = offsets.get(partition.partitionIndex);
  if (from === undefined) return [];
  const { records, next } = readableRecords(partition, from);
  const end = Math.max(next, Number(partition.lastStableOffset));
  return [{ partition: partition.partitionIndex, records, next, end, gone: false }];
}

function gone(partition: number, next: number): FetchedPartition {
  return { partition, records: [], next, end: next, gone: true };
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && codes.some((code) => findErrorBy(error, 'apiId', code) !== null);
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
  });
}
