import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../base/clock.ts';
import { LIMITS } from '../../../base/limits.ts';
import { MemoryKafka } from '../../../testing/memory-kafka.ts';
import type { RowBatch } from '../source-connector.ts';
import { readableRecords } from './fetched-records.ts';
import { KafkaConnector } from './kafka-connector.ts';
import type { KafkaConnectorOptions } from './kafka-options.ts';
import { jsonValue, withTimestamp } from './record-values.ts';

const TOPIC = 'orders';
const AT = 1_700_000_000_000;

function world(partitions = 2, more: Partial<KafkaConnectorOptions> = {}) {
  const kafka = new MemoryKafka();
  kafka.create(TOPIC, partitions);
  const taken = new Map<string, string>();
  const idle = new Error('nothing more');
  const options: KafkaConnectorOptions = {
    connect: () => kafka.client(),
    topic: TOPIC,
    readValue: jsonValue,
    start: 'earliest',
    lost: 'refuse',
    tombstones: 'ignore',
    ...more,
  };
  const open = () => new KafkaConnector(options).open(taken, new AbortController().signal);
  /** All there is now, as a new process would read it; `looks` fetches that find nothing. */
  const read = async (looks = 0, onLook: () => void = () => {}) => {
    let left = looks;
    kafka.wait = async () => {
      left -= 1;
      if (left < 0) throw idle;
      onLook();
    };
    const reader = await open();
    const batches: RowBatch[] = [];
    try {
      for (;;) {
        const batch = await reader.next(LIMITS.connectorRows);
        if (batch === null) break;
        batches.push(batch);
        taken.set(batch.lane, batch.token ?? '');
      }
    } catch (error) {
      if (error !== idle) throw error;
    }
    const rows = batches.flatMap((batch) => batch.rows);
    return { rows, places: rows.map(({ place }) => place), progress: reader.progress(), batches };
  };
  return { kafka, open, read, taken };
}

test('partitions are read from where each token stands, and progress says what waits', async () => {
  const { kafka, read } = world();
  for (let i = 0; i < 20; i++) kafka.send(TOPIC, i % 2, `{"n":${i}}`);
  const first = await read();
  assert.equal(first.rows.length, 20);
  assert.equal(first.progress.position, 'orders 0@10 1@10');
  assert.equal(first.progress.behind, 0);
  kafka.send(TOPIC, 1, '{"n":20}');
  assert.deepEqual((await read()).places, ['orders/1/10']);
});

test("'latest' is settled at the first start, not at a later one", async () => {
  const { kafka, read } = world(1, { start: 'latest' });
  kafka.send(TOPIC, 0, 'before');
  assert.deepEqual((await read()).places, []);
  kafka.send(TOPIC, 0, 'after');
  assert.deepEqual((await read()).places, ['orders/0/1']);
});

test('new partitions are read from their start, while reading and at a start', async () => {
  const { kafka, read } = world(1, { start: 'latest' });
  await read();
  kafka.grow(TOPIC, 2);
  kafka.send(TOPIC, 1, 'a');
  assert.deepEqual((await read()).places, ['orders/1/0']);
  kafka.send(TOPIC, 0, 'b');
  const growing = read(40);
  kafka.grow(TOPIC, 3);
  kafka.send(TOPIC, 2, 'c');
  assert.deepEqual((await growing).places.toSorted(), ['orders/0/0', 'orders/2/0']);
});

test('a topic made anew is refused at a start and while reading', async () => {
  const { kafka, read } = world(1);
  kafka.send(TOPIC, 0, 'a');
  await read();
  kafka.create(TOPIC, 1);
  for (const value of ['b', 'c', 'd']) kafka.send(TOPIC, 0, value);
  await assert.rejects(read(), { code: 'source_changed', message: /made again/ });
  const other = world(1);
  other.kafka.send(TOPIC, 0, 'a');
  const reading = other.read(1);
  other.kafka.create(TOPIC, 1);
  await assert.rejects(reading, { code: 'source_changed' });
});

test('a partition that ends before what was read is refused, whatever is declared', async () => {
  for (const lost of ['refuse', 'skip'] as const) {
    const { kafka, read } = world(1, { lost });
    for (let i = 0; i < 5; i++) kafka.send(TOPIC, 0, `${i}`);
    await read();
    kafka.truncate(TOPIC, 0, 3);
    await assert.rejects(read(), { code: 'source_changed', message: /ends at offset 3/ });
  }
});

test('records that expired unread are refused, or skipped and shown', async () => {
  for (const lost of ['refuse', 'skip'] as const) {
    const { kafka, read } = world(1, { lost });
    kafka.send(TOPIC, 0, 'a');
    await read();
    for (let i = 0; i < 5; i++) kafka.send(TOPIC, 0, `${i}`);
    kafka.expire(TOPIC, 0, 4);
    if (lost === 'refuse') {
      await assert.rejects(read(), { code: 'source_changed', message: /begins at offset 4/ });
      continue;
    }
    const { places, progress } = await read();
    assert.deepEqual(places, ['orders/0/4', 'orders/0/5']);
    assert.match(progress.problems[0] ?? '', /1 to 3 were skipped/);
  }
});

test('a group is told what is durable, seldom, and is never asked', async () => {
  const clock = new ManualClock(AT);
  const { kafka, read } = world(2, { group: { id: 'lag', clock } });
  const told = () => Object.fromEntries(kafka.groups.get('lag') ?? []);
  for (let i = 0; i < 20; i++) kafka.send(TOPIC, i % 2, `{"n":${i}}`);
  await read();
  // After the first batch; too little time has passed for those behind it.
  assert.deepEqual([told(), kafka.told], [{ 'orders/0': 7 }, 1]);
  // A new process tells at once what the log holds.
  await read();
  assert.deepEqual([told(), kafka.told], [{ 'orders/0': 10, 'orders/1': 10 }, 2]);
  await read(5);
  kafka.groups.set('lag', new Map([['orders/0', 3]]));
  kafka.send(TOPIC, 1, '{"n":20}');
  assert.deepEqual((await read()).places, ['orders/1/10']);
  kafka.groups.clear();
  assert.deepEqual((await read()).places, []);
  assert.deepEqual(told(), { 'orders/0': 10, 'orders/1': 11 });
});

test('a group hears of a batch only once more is asked for: then it is durable', async () => {
  const { kafka, open } = world(1, { group: { id: 'lag', clock: new ManualClock(AT) } });
  for (let i = 0; i < 20; i++) kafka.send(TOPIC, 0, `{"n":${i}}`);
  const reader = await open();
  await reader.next(5);
  assert.equal(kafka.told, 0);
  await reader.next(5);
  assert.deepEqual([...(kafka.groups.get('lag') ?? [])], [['orders/0', 5]]);
});

test('idle reading tells the group in the end, again only what is new', async () => {
  const clock = new ManualClock(AT);
  const { kafka, read } = world(1, { group: { id: 'lag', clock } });
  for (let i = 0; i < 20; i++) kafka.send(TOPIC, 0, `{"n":${i}}`);
  const stepMs = LIMITS.kafkaGroupEveryMs / 4;
  const { progress } = await read(20, () => clock.advanceTo(clock.nowMs() + stepMs));
  assert.deepEqual([...(kafka.groups.get('lag') ?? [])], [['orders/0', 20]]);
  assert.equal(kafka.told, 2);
  assert.deepEqual(progress.problems, []);
});

test('a group that takes nothing is counted and shown, and reading goes on', async () => {
  const clock = new ManualClock(AT);
  const { kafka, read } = world(1, { group: { id: 'lag', clock } });
  kafka.groupsAreBroken = true;
  for (let i = 0; i < 20; i++) kafka.send(TOPIC, 0, `{"n":${i}}`);
  const tick = () => clock.advanceTo(clock.nowMs() + LIMITS.kafkaGroupEveryMs);
  const { rows, progress } = await read(2, tick);
  assert.equal(rows.length, 20);
  assert.match(progress.problems.join(), /group 'lag' was not told .* 3 times: The group has mem/);
  kafka.groupsAreBroken = false;
  assert.deepEqual((await read(3, tick)).progress.problems, []);
  assert.deepEqual([...(kafka.groups.get('lag') ?? [])], [['orders/0', 20]]);
});

test('tombstones move the position, and are dead letters where that is declared', async () => {
  for (const tombstones of ['ignore', 'reject'] as const) {
    const { kafka, read } = world(1, { tombstones });
    kafka.send(TOPIC, 0, null);
    const { rows, batches } = await read();
    assert.equal(rows.length, tombstones === 'ignore' ? 0 : 1);
    assert.equal(batches.length, 1);
    assert.deepEqual((await read()).batches, []);
  }
});

test('no topic yet, and no broker, are tried again', async () => {
  const { kafka, read } = world(1);
  kafka.isAway = true;
  await assert.rejects(read(), { code: 'source_unreachable', retryable: true });
});

test("the record's time becomes a column without touching the digits of the others", async () => {
  const read = withTimestamp(jsonValue, 'known');
  const body = async (text: string) => read(new TextEncoder().encode(text), 5);
  assert.equal(await body('{"n":9007199254740993}'), '{"n":9007199254740993,"known":5}');
  assert.equal(await body(' { } '), ' { "known":5}');
  assert.deepEqual(JSON.parse(String(await body('{"known":1}'))), { known: 5 });
  assert.equal(await body('nonsense'), 'nonsense');
});

test('of transactions that were aborted nothing is read; markers never', () => {
  const batch = (firstOffset: number, attributes: number, producer: number) => ({
    firstOffset: BigInt(firstOffset),
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes,
    lastOffsetDelta: 1,
    firstTimestamp: 100n,
    maxTimestamp: 200n,
    producerId: BigInt(producer),
    producerEpoch: 0,
    firstSequence: 0,
    records: [0, 1].map((offsetDelta) => ({
      length: 0,
      attributes: 0,
      timestampDelta: BigInt(offsetDelta),
      offsetDelta,
      key: null,
      value: Buffer.from('v'),
      headers: [],
    })),
  });
  const [plain, appended, transaction, marker] = [0, 8, 16, 48];
  const { records, next } = readableRecords(
    {
      abortedTransactions: [
        { producerId: 1n, firstOffset: 2n },
        { producerId: 1n, firstOffset: 8n },
      ],
      records: [
        batch(0, appended, -1),
        batch(2, transaction, 1),
        batch(4, transaction, 2),
        batch(6, marker, 1),
        batch(8, transaction, 1),
        batch(10, plain, -1),
        batch(12, marker, 1),
        batch(14, transaction, 1),
      ],
    },
    1,
  );
  assert.deepEqual(
    records.map(({ offset, timestampMs }) => [offset, timestampMs]),
    [
      [1, 200],
      [4, 100],
      [5, 101],
      [10, 100],
      [11, 101],
      [14, 100],
      [15, 101],
    ],
  );
  assert.equal(next, 16);
});
