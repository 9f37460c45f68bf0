import type { GroupSetting } from './group-offsets.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { ReadValue } from './record-values.ts';

/** What a connector of Kafka is told. */
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
  /** Absent or null: no group hears of what is read. */
  readonly group?: GroupSetting | null;
}
