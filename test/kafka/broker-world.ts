import { Admin, Producer } from '@platformatic/kafka';
import { ManualClock } from '../../src/base/clock.ts';
import { pause } from '../../src/base/pause.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ConnectorRunner } from '../../src/ingest/connectors/connector-runner.ts';
import { KafkaConnector } from '../../src/ingest/connectors/kafka/kafka-connector.ts';
import type { KafkaConnectorOptions } from '../../src/ingest/connectors/kafka/kafka-options.ts';
import { PlatformaticClient } from '../../src/ingest/connectors/kafka/platformatic-client.ts';
import { jsonValue } from '../../src/ingest/connectors/kafka/record-values.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { CONTRACT_SCHEMA } from '../../src/testing/connector-contract.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';

export const AT = 1_700_000_000_000;

/** Writes to a real broker, as producers and operators do. */
export class Operator {
  readonly admin: Admin;
  readonly producer: Producer;

  constructor(address: string) {
    const client = { bootstrapBrokers: [address], retries: 20, retryDelay: 250 };
    this.admin = new Admin({ ...client, clientId: 'operator' });
    this.producer = new Producer({ ...client, clientId: 'producer', strict: false });
  }

  async create(topic: string, partitions: number, configs: Record<string, string> = {}) {
    const listed = Object.entries(configs).map(([name, value]) => ({ name, value }));
    await this.admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: listed });
  }

  send(topic: string, partition: number, values: readonly (string | Uint8Array | null)[]) {
    const messages = values.map((value) => {
      // The library's types know no record without a value, but its producer does.
      const bytes = value === null ? (null as unknown as Buffer) : Buffer.from(value);
      return { topic, partition, value: bytes };
    });
    return this.producer.send({ messages, acks: -1, compression: 'gzip' });
  }

  sendNumbers(topic: string, partition: number, numbers: readonly number[]) {
    const rows = numbers.map((n) => JSON.stringify({ n, at: AT }));
    return this.send(topic, partition, rows);
  }

  /** What a group was told, as tools that watch lag see it: `topic 0@17 1@20`. */
  async offsetsOf(group: string): Promise<string> {
    const [found] = await this.admin.listConsumerGroupOffsets({ groups: [group] });
    const topics = (found?.topics ?? []).map(({ name, partitions }) => {
      const offsets = partitions
        .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
        .map(({ partitionIndex, committedOffset }) => `${partitionIndex}@${committedOffset}`);
      return `${name} ${offsets.join(' ')}`;
    });
    return topics.join(', ');
  }

  async close(): Promise<void> {
    await this.producer.close();
    await this.admin.close();
  }
}

export function connectorTo(
  address: string,
  topic: string,
  more: Partial<KafkaConnectorOptions> = {},
): KafkaConnector {
  const broker = { brokers: [address], clientId: 'asof-test', tls: false, sasl: null };
  return new KafkaConnector({
    connect: () => new PlatformaticClient(broker),
    topic,
    readValue: jsonValue,
    start: 'earliest',
    lost: 'refuse',
    tombstones: 'ignore',
    ...more,
  });
}

/** One life of a platform's door over a disk in memory, with a connector that runs. */
export async function startReading(
  connector: KafkaConnector,
  disk = new MemoryDisk(seededRandom(1)),
) {
  const log = await EventLog.open({ disk, schemas: [CONTRACT_SCHEMA] });
  const clock = new ManualClock(AT);
  const ingestor = Ingestor.open({ disk, log, sources: [CONTRACT_SCHEMA], clock });
  const source = CONTRACT_SCHEMA.name;
  const runner = new ConnectorRunner({ name: 'reader', source, connector, door: ingestor, pause });
  runner.start();
  const numbers = (): number[] =>
    [...log.read(0)].flatMap(({ columns }) => {
      const column = columns[1];
      return column?.kind === 'number' ? [...column.values] : [];
    });
  const letters = () => [...ingestor.letters.list(source)];
  return { runner, numbers, letters, disk };
}

export async function untilTrue(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(100);
}

/** Looks until something holds; a test that waits in vain is ended by its time limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(25);
}
