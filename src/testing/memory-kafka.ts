import { AsofError } from '../base/errors.ts';
import type {
  FetchedPartition,
  KafkaClient,
  KafkaRecord,
  KafkaTopic,
  OffsetBounds,
} from '../ingest/connectors/kafka/kafka-client.ts';

interface Partition {
  start: number;
  records: KafkaRecord[];
}

interface Topic {
  id: string;
  partitions: Partition[];
}

/** Brokers in memory, with the accidents that real ones have. */
export class MemoryKafka {
  readonly #topics = new Map<string, Topic>();
  #made = 0;
  /** While true, no broker answers. */
  isAway = false;
  /** While true, no group takes offsets. */
  groupsAreBroken = false;
  /** What groups were told, by group and `topic/partition`. */
  readonly groups = new Map<string, Map<string, number>>();
  /** Times that a group was told anything. */
  told = 0;
  /** Records of one answer. */
  fetchRecords = 7;
  /** Taken where a fetch finds nothing, as a broker waits for something to come. */
  wait: () => Promise<void> = async () => {};

  /** Makes a topic, or makes it anew with another id. */
  create(name: string, partitions: number): void {
    this.#made += 1;
    const empty = Array.from({ length: partitions }, () => ({ start: 0, records: [] }));
    this.#topics.set(name, { id: `topic-${this.#made}`, partitions: empty });
  }

  grow(name: string, partitions: number): void {
    const topic = this.#topic(name);
    while (topic.partitions.length < partitions) topic.partitions.push({ start: 0, records: [] });
  }

  send(name: string, partition: number, value: string | Uint8Array | null, timestampMs = 0): void {
    const { start, records } = this.#partition(name, partition);
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    records.push({ offset: start + records.length, timestampMs, value: bytes });
  }

  /** Retention: what lies before an offset is gone. */
  expire(name: string, partition: number, before: number): void {
    const found = this.#partition(name, partition);
    found.records = found.records.filter(({ offset }) => offset >= before);
    found.start = before;
  }

  /** A broker that lost its end, as by an unclean election of a leader. */
  truncate(name: string, partition: number, end: number): void {
    const found = this.#partition(name, partition);
    found.records = found.records.filter(({ offset }) => offset < end);
  }

  client(): KafkaClient {
    return {
      topic: async (name) => this.#describe(name),
      bounds: async ({ name }) => this.#bounds(name),
      fetch: (topic, from) => this.#fetch(topic, from),
      tellGroup: async (group, topic, offsets) => this.#tellGroup(group, topic, offsets),
      close: async () => {},
    };
  }

  #tellGroup(group: string, topic: KafkaTopic, offsets: ReadonlyMap<number, number>): void {
    this.#requireThere();
    this.told += 1;
    if (this.groupsAreBroken) throw new AsofError('source_unreachable', 'The group has members.');
    const known = this.groups.get(group) ?? new Map<string, number>();
    for (const [partition, offset] of offsets) known.set(`${topic.name}/${partition}`, offset);
    this.groups.set(group, known);
  }

  #describe(name: string): KafkaTopic | null {
    this.#requireThere();
    const topic = this.#topics.get(name);
    return topic === undefined ? null : { name, id: topic.id, partitions: topic.partitions.length };
  }

  #bounds(name: string): OffsetBounds[] {
    this.#requireThere();
    return this.#topic(name).partitions.map(({ start, records }, partition) => {
      return { partition, start, end: start + records.length };
    });
  }

  async #fetch(
    topic: KafkaTopic,
    from: ReadonlyMap<number, number>,
  ): Promise<readonly FetchedPartition[]> {
    this.#requireThere();
    const isAnother = this.#topics.get(topic.name)?.id !== topic.id;
    const fetched = [...from].map(([partition, offset]): FetchedPartition => {
      if (isAnother) return { partition, records: [], next: offset, end: offset, gone: true };
      const { start, records } = this.#partition(topic.name, partition);
      const end = start + records.length;
      if (offset < start || offset > end) {
        return { partition, records: [], next: offset, end, gone: true };
      }
      const found = records.slice(offset - start, offset - start + this.fetchRecords);
      return { partition, records: found, next: offset + found.length, end, gone: false };
    });
    if (fetched.every(({ records, gone }) => records.length === 0 && !gone)) await this.wait();
    return fetched;
  }

  #partition(name: string, partition: number): Partition {
    const found = this.#topic(name).partitions[partition];
    if (found !== undefined) return found;
    throw new AsofError('source_unreachable', `'${name}' has no partition ${partition}.`);
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    throw new AsofError('source_unreachable', `There is no topic '${name}'.`);
  }

  #requireThere(): void {
    if (this.isAway) throw new AsofError('source_unreachable', 'No broker answers.');
  }
}
