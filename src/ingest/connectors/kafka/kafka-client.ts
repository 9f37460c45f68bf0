/** What the connector needs of a Kafka library: small, so that tests can stand in for a broker. */
export interface KafkaClient {
  /** As it is now; null if there is none. @throws AsofError `source_unreachable` */
  topic(name: string): Promise<KafkaTopic | null>;
  /** First offset there is and offset after the last one. @throws AsofError `source_unreachable` */
  bounds(topic: KafkaTopic): Promise<readonly OffsetBounds[]>;
  /**
   * Records from these offsets on, by partition; waits a while where there are none.
   * @throws AsofError `source_unreachable`
   */
  fetch(
    topic: KafkaTopic,
    from: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): Promise<readonly FetchedPartition[]>;
  /**
   * Sets offsets of a consumer group, by partition: where it would read on.
   * @throws AsofError `source_unreachable`, also where the group has members of its own
   */
  tellGroup(group: string, topic: KafkaTopic, offsets: ReadonlyMap<number, number>): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaTopic {
  readonly name: string;
  /** Another one once the topic was deleted and made again. */
  readonly id: string;
  readonly partitions: number;
}

export interface OffsetBounds {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

export interface FetchedPartition {
  readonly partition: number;
  /** In the order of their offsets; those of transactions that were aborted are left out. */
  readonly records: readonly KafkaRecord[];
  /** Where to go on, which may lie behind the last record. */
  readonly next: number;
  /** Offset after the last record that can be read now. */
  readonly end: number;
  /** The offset asked for is not there, or the topic is not the one it was. */
  readonly gone: boolean;
}

export interface KafkaRecord {
  readonly offset: number;
  /** Of the producer or of the broker, as the topic is configured. */
  readonly timestampMs: number;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
}
