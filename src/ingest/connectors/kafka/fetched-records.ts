import type { Consumer, RecordsBatch } from '@platformatic/kafka';
import type { KafkaRecord } from './kafka-client.ts';

/** One partition of a broker's answer. */
export type BrokerPartition = Awaited<
  ReturnType<Consumer['fetch']>
>['responses'][number]['partitions'][number];

const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

/**
 * The records from an offset on that count: not those before it in the same batch, not the markers
 * of transactions, and nothing of a transaction that was aborted, which the broker sends all the
 * same, with a list of where such ones begin.
 */
export function readableRecords(
  partition: Pick<BrokerPartition, 'records' | 'abortedTransactions'>,
  from: number,
): { readonly records: KafkaRecord[]; readonly next: number } {
  const records: KafkaRecord[] = [];
  const aborted = [...(partition.abortedTransactions ?? [])].sort((a, b) =>
    a.firstOffset < b.firstOffset ? -1 : 1,
  );
  const open = new Set<bigint>();
  let next = from;
  for (const batch of partition.records ?? []) {
    const last = Number(batch.firstOffset) + batch.lastOffsetDelta;
    for (let head = aborted[0]; head !== undefined; head = aborted[0]) {
      if (Number(head.firstOffset) > last) break;
      open.add(head.producerId);
      aborted.shift();
    }
    next = Math.max(next, last + 1);
    // A marker ends the transaction of its producer, whichever way.
    if ((batch.attributes & CONTROL) !== 0) open.delete(batch.producerId);
    else if ((batch.attributes & TRANSACTIONAL) === 0 || !open.has(batch.producerId)) {
      addRecords(batch, from, records);
    }
  }
  return { records, next };
}

function addRecords(batch: RecordsBatch, from: number, records: KafkaRecord[]): void {
  const first = Number(batch.firstOffset);
  const appended = (batch.attributes & LOG_APPEND_TIME) !== 0;
  for (const { offsetDelta, timestampDelta, value } of batch.records) {
    const offset = first + offsetDelta;
    if (offset < from) continue;
    const time = appended ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta;
    records.push({ offset, timestampMs: Number(time), value });
  }
}
