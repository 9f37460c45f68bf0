import type { SourceConnector } from '../source-connector.ts';
import type { KafkaConnectorOptions } from './kafka-options.ts';
import { KafkaReader } from './kafka-reader.ts';
import { checkTopic, noTopic, readToken } from './topic-position.ts';

/**
 * Rows of one Kafka topic, all of its partitions. A lane is a partition; its token is the offset
 * behind what was taken, with the id of the topic. The broker's own memory of consumers is never
 * read: the log that holds the events holds the offsets. A group may be told of them.
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
