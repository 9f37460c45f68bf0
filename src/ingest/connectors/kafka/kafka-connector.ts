import { AsofError } from '../../../base/errors.ts';
import type { SourceConnector } from '../source-connector.ts';
import type { KafkaClient, KafkaTopic, OffsetBounds } from './kafka-client.ts';
import { KafkaReader } from './kafka-reader.ts';
import type { ReadValue } from './record-values.ts';

export interface KafkaConnectorOptions {
  readonly connect: () => KafkaClient;
  readonly topic: string;
  readonly readValue: ReadValue;
  /** Where a connector begins that has read nothing yet. */
  readonly start: 'earliest' | 'latest';
  /** What to do when records that were not read yet are gone: stop, or go on behind them. */
  readonly lost: 'refuse' | 'skip';
  /** What to do with a record without a value: nothing, or keep it as a dead letter. */
  readonly tombstones: 'ignore' | 'reject';
}

/** Where a partition is read on, and of which topic. */
export interface PartitionToken {
  readonly topicId: string;
  readonly offset: number;
}

/**
 * Rows of one Kafka topic, all of its partitions. A lane is a partition; its token is the offset
 * behind what was taken, with the id of the topic. The broker's own memory of consumers is neither
 * read nor written: the log that holds the events holds the offsets.
 */
export class KafkaConnector implements SourceConnector {
  readonly kind = 'kafka';
  readonly #options: KafkaConnectorOptions;

  constructor(options: KafkaConnectorOptions) {
    this.#options = options;
  }

  async open(taken: ReadonlyMap<string, string>, signal: AbortSignal): Promise<KafkaReader> {
    const client = this.#options.connect();
    try {
      const topic = await client.topic(this.#options.topic);
      if (topic === null) throw noTopic(this.#options.topic);
      const tokens = new Map([...taken].map(([lane, text]) => [Number(lane), readToken(text)]));
      checkTopic(topic, tokens);
      const bounds = await client.bounds(topic);
      return new KafkaReader({ ...this.#options, client, topic, tokens, bounds, signal });
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }
}

export function noTopic(name: string): AsofError {
  return new AsofError('source_unreachable', `There is no topic '${name}'.`, {
    remedy: 'Create it, or correct its name; it is looked for until then.',
  });
}

/** Offsets mean nothing in a topic that was made anew, even where they happen to exist. */
export function checkTopic(topic: KafkaTopic, tokens: ReadonlyMap<number, PartitionToken>): void {
  for (const [partition, { topicId }] of tokens) {
    if (topicId === topic.id && partition < topic.partitions) continue;
    throw new AsofError(
      'source_changed',
      `Topic '${topic.name}' is another one than was read before: it was deleted and made again.`,
      {
        path: `${topic.name}/${partition}`,
        remedy: 'Give the connector another name: it then reads the new topic from its start.',
      },
    );
  }
}

/** Why a position cannot be read on from; null if it can. */
export function lossAt(offset: number, { partition, start, end }: OffsetBounds): string | null {
  if (offset > end) {
    return `partition ${partition} ends at offset ${end}, but was read up to ${offset}`;
  }
  return offset >= start
    ? null
    : `partition ${partition} begins at offset ${start}, but was read only up to ${offset}`;
}

export function tokenText({ topicId, offset }: PartitionToken): string {
  return JSON.stringify([topicId, offset]);
}

export function readToken(text: string): PartitionToken {
  const parts: unknown = JSON.parse(text);
  const [topicId, offset] = Array.isArray(parts) ? parts : [];
  return { topicId: String(topicId), offset: Number(offset) };
}
