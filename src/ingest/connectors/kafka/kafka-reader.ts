import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { SourcedRow } from '../../sourced-rows.ts';
import { UnreadableRow } from '../../sourced-rows.ts';
import type { ReaderProgress, RowBatch, SourceReader } from '../source-connector.ts';
import { GroupOffsets } from './group-offsets.ts';
import type {
  FetchedPartition,
  KafkaClient,
  KafkaRecord,
  KafkaTopic,
  OffsetBounds,
} from './kafka-client.ts';
import type { KafkaConnectorOptions } from './kafka-options.ts';
import { checkTopic, lossAt, noTopic, type PartitionToken, tokenText } from './topic-position.ts';

/** Fetches between two looks at the topic itself, which may have got more partitions. */
const FETCHES_PER_LOOK = 20;

interface KafkaReaderOptions extends Omit<KafkaConnectorOptions, 'topic'> {
  readonly client: KafkaClient;
  readonly topic: KafkaTopic;
  readonly tokens: ReadonlyMap<number, PartitionToken>;
  readonly bounds: readonly OffsetBounds[];
  readonly signal: AbortSignal;
}

/** Reads all partitions of a topic; see `KafkaConnector`. */
export class KafkaReader implements SourceReader {
  readonly #options: KafkaReaderOptions;
  #topic: KafkaTopic;
  /** Where each partition is fetched on. */
  readonly #offsets = new Map<number, number>();
  readonly #ends = new Map<number, number>();
  /** What was fetched and not yet given. */
  #fetched: FetchedPartition[] = [];
  /** Positions that are to be kept although there are no rows. */
  #moved: number[] = [];
  readonly #problems = new Map<number, string>();
  #fetches = 0;
  /** Offsets behind what is in the log; and of the newest batch, which may not be there yet. */
  readonly #durable: Map<number, number>;
  #given: { readonly partition: number; readonly from: number; readonly offset: number } | null =
    null;
  readonly #group: GroupOffsets | null;

  constructor(options: KafkaReaderOptions) {
    this.#options = options;
    this.#topic = options.topic;
    const { tokens, start, client, group = null } = options;
    this.#durable = new Map([...tokens].map(([partition, { offset }]) => [partition, offset]));
    this.#group = group === null ? null : new GroupOffsets(client, group);
    for (const bounds of options.bounds) {
      const token = tokens.get(bounds.partition);
      // A partition that came later has nothing that was there before: all of it is new.
      const fresh = start === 'latest' && tokens.size === 0 ? bounds.end : bounds.start;
      this.#begin(bounds, token?.offset ?? fresh);
      // Or else "the latest" would be another offset after a restart.
      if (token === undefined && start === 'latest') this.#moved.push(bounds.partition);
    }
  }

  async next(most: number): Promise<RowBatch | null> {
    const { client, signal } = this.#options;
    // Whoever asks for more has made the batch before durable.
    if (this.#given !== null) this.#durable.set(this.#given.partition, this.#given.offset);
    this.#given = null;
    for (;;) {
      signal.throwIfAborted();
      this.#group?.offer(this.#topic, this.#durable);
      const moved = this.#moved.shift();
      if (moved !== undefined) return this.#batch(moved, [], this.#offsets.get(moved) ?? 0);
      const batch = await this.#fromFetched(most);
      if (batch !== null) return batch;
      if (this.#fetches > 0 && this.#fetches % FETCHES_PER_LOOK === 0) await this.#look();
      this.#fetches += 1;
      const fetched = await client.fetch(this.#topic, this.#offsets, signal);
      for (const { partition, end } of fetched) this.#ends.set(partition, end);
      if (fetched.some(({ gone }) => gone)) await this.#look();
      this.#fetched = fetched.filter(({ gone, next, partition }) => {
        return !gone && next > (this.#offsets.get(partition) ?? 0);
      });
    }
  }

  /** Looks whether the topic is still the one it was, and where its partitions begin and end. */
  async #look(): Promise<void> {
    const { client, topic } = this.#options;
    const now = await client.topic(topic.name);
    if (now === null) throw noTopic(topic.name);
    const tokens = new Map(
      [...this.#offsets].map(([partition, offset]) => [partition, { topicId: topic.id, offset }]),
    );
    checkTopic(now, tokens);
    this.#topic = now;
    for (const bounds of await client.bounds(now)) {
      this.#begin(bounds, this.#offsets.get(bounds.partition) ?? bounds.start);
    }
  }

  /** @throws AsofError `source_changed` unless what is lost is to be skipped */
  #begin(bounds: OffsetBounds, offset: number): void {
    const { partition, start, end } = bounds;
    this.#ends.set(partition, end);
    this.#offsets.set(partition, offset);
    const loss = lossAt(offset, bounds);
    if (loss === null) return;
    if (this.#options.lost === 'refuse' || offset > end) {
      throw new AsofError('source_changed', `Of topic '${this.#topic.name}', ${loss}.`, {
        path: `${this.#topic.name}/${partition}`,
        remedy:
          offset > end
            ? 'The broker lost records. Restore it, or give the connector another name to read all anew.'
            : "The records between are gone. Set lost: 'skip' to go on behind them.",
      });
    }
    this.#problems.set(partition, `${loss}; records ${offset} to ${start - 1} were skipped`);
    this.#offsets.set(partition, start);
    this.#moved.push(partition);
  }

  async #fromFetched(most: number): Promise<RowBatch | null> {
    const fetched = this.#fetched.shift();
    if (fetched === undefined) return null;
    const { partition, records, next } = fetched;
    const taken = firstOf(records, most);
    const rest = records.slice(taken.length);
    const [following] = rest;
    if (following !== undefined) this.#fetched.unshift({ ...fetched, records: rest });
    const rows: SourcedRow[] = [];
    for (const record of taken) {
      const body = await this.#bodyOf(record);
      if (body !== null)
        rows.push({ place: `${this.#topic.name}/${partition}/${record.offset}`, body });
    }
    return this.#batch(partition, rows, following === undefined ? next : following.offset);
  }

  async #bodyOf(record: KafkaRecord): Promise<SourcedRow['body'] | null> {
    const { readValue, tombstones } = this.#options;
    if (record.value !== null) return readValue(record.value, record.timestampMs);
    if (tombstones === 'ignore') return null;
    return new UnreadableRow('', 'The record has no value: a tombstone.');
  }

  #batch(partition: number, rows: readonly SourcedRow[], offset: number): RowBatch {
    this.#given = { partition, from: this.#offsets.get(partition) ?? offset, offset };
    this.#offsets.set(partition, offset);
    const token = tokenText({ topicId: this.#topic.id, offset });
    return { lane: String(partition), rows, token };
  }

  progress(): ReaderProgress {
    const partitions = [...this.#offsets].sort(([a], [b]) => a - b);
    for (const one of partitions) if (one[0] === this.#given?.partition) one[1] = this.#given.from;
    let behind = 0;
    for (const [partition, offset] of partitions) {
      behind += Math.max(0, (this.#ends.get(partition) ?? offset) - offset);
    }
    const shown = partitions.slice(0, 32).map(([partition, offset]) => `${partition}@${offset}`);
    return {
      position: `${this.#topic.name} ${shown.join(' ')}${partitions.length > 32 ? ' …' : ''}`,
      behind,
      problems: [...this.#problems.values(), ...(this.#group?.problems() ?? [])],
    };
  }

  close(): Promise<void> {
    return this.#options.client.close();
  }
}

/** As many records as one batch may hold; at least one. */
function firstOf(records: readonly KafkaRecord[], most: number): readonly KafkaRecord[] {
  let bytes = 0;
  let count = 0;
  for (const { value } of records) {
    if (count === most || (count > 0 && bytes >= LIMITS.connectorBytes)) break;
    bytes += value?.length ?? 0;
    count += 1;
  }
  return records.slice(0, count);
}
