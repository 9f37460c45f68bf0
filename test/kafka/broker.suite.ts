import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Consumer, Producer } from '@platformatic/kafka';
import { systemClock } from '../../src/base/clock.ts';
import { pause } from '../../src/base/pause.ts';
import { checkConnector } from '../../src/testing/connector-contract.ts';
import { AT, connectorTo, Operator, startReading, until, untilTrue } from './broker-world.ts';
import { fetchBroker, KafkaProcess } from './kafka-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'asof-kafka-'));
const limits = { timeout: 120_000 };
let broker: KafkaProcess;
let operator: Operator;

before(async () => {
  const jars = await fetchBroker(process.env.ASOF_KAFKA_JARS ?? join(tmpdir(), 'asof-kafka-jars'));
  broker = await KafkaProcess.create(jars, join(folder, 'broker'));
  await broker.start();
  operator = new Operator(broker.address);
}, limits);

after(async () => {
  await operator?.close();
  await broker?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

for (const seed of [1, 2, 3]) {
  test(`the contract of connectors on a real broker, seed ${seed}`, limits, async () => {
    const topic = `contract-${seed}`;
    await operator.create(topic, 3);
    const done = await checkConnector(
      ({ random }) => ({
        connect: () => connectorTo(broker.address, topic),
        add: async (numbers) => {
          for (const n of numbers) await operator.sendNumbers(topic, random.below(3), [n]);
        },
        addPoison: () => false,
        turn: () => pause(5),
      }),
      seed,
    );
    assert.ok(done.rows > 30);
  });
}

test('poison and tombstones, with topic, partition and offset', limits, async () => {
  await operator.create('poison', 1);
  await operator.sendNumbers('poison', 0, [1, 2]);
  await operator.send('poison', 0, ['{"n":', null, new Uint8Array([0xff, 0xfe])]);
  await operator.sendNumbers('poison', 0, [3]);
  const { runner, numbers, letters } = await startReading(connectorTo(broker.address, 'poison'));
  await until(() => numbers().length === 3 && letters().length === 2);
  await runner.stop();
  assert.deepEqual(numbers(), [1, 2, 3]);
  assert.deepEqual(
    letters().map(({ code, origin }) => [code, origin?.place]),
    [
      ['malformed_json', 'poison/0/2'],
      ['malformed_json', 'poison/0/4'],
    ],
  );
});

test('what was aborted is left out, what was committed is not', limits, async () => {
  await operator.create('transactions', 1);
  const producer = new Producer({
    bootstrapBrokers: [broker.address],
    clientId: 'transactions',
    idempotent: true,
    transactionalId: 'transactions',
  });
  const sendWithin = async (n: number, commit: boolean): Promise<void> => {
    const transaction = await producer.beginTransaction();
    const value = Buffer.from(JSON.stringify({ n, at: AT }));
    await transaction.send({ messages: [{ topic: 'transactions', partition: 0, value }] });
    await (commit ? transaction.commit() : transaction.abort());
  };
  await sendWithin(1, true);
  await sendWithin(2, false);
  await sendWithin(3, true);
  await sendWithin(4, false);
  await sendWithin(5, true);
  await producer.close();
  const { runner, numbers } = await startReading(connectorTo(broker.address, 'transactions'));
  await until(() => numbers().length >= 3);
  await until(() => runner.status().behind === 0);
  await runner.stop();
  assert.deepEqual(numbers(), [1, 3, 5]);
});

test(
  'a broker that is killed and comes back: retried, shown, and nothing twice',
  limits,
  async () => {
    await operator.create('outage', 2);
    await operator.sendNumbers('outage', 0, range(0, 50));
    const { runner, numbers } = await startReading(connectorTo(broker.address, 'outage'));
    await until(() => numbers().length === 50);
    await broker.kill();
    await until(() => runner.status().state === 'retrying');
    assert.equal(runner.status().problem?.code, 'source_unreachable');
    await broker.start();
    await operator.sendNumbers('outage', 1, range(50, 100));
    await until(() => numbers().length === 100);
    assert.equal(runner.status().state, 'running');
    assert.equal(runner.status().problem, null);
    await runner.stop();
    assert.deepEqual(sorted(numbers()), range(0, 100));
  },
);

test(
  'a topic that is made anew is refused, never read from an offset of the other',
  limits,
  async () => {
    await operator.create('anew', 1);
    await operator.sendNumbers('anew', 0, range(0, 10));
    const { runner, numbers, disk } = await startReading(connectorTo(broker.address, 'anew'));
    await until(() => numbers().length === 10);
    await operator.admin.deleteTopics({ topics: ['anew'] });
    await pause(500);
    await operator.create('anew', 1);
    await operator.sendNumbers('anew', 0, range(100, 130));
    await until(() => runner.status().state === 'refused');
    assert.equal(runner.status().problem?.code, 'source_changed');
    assert.equal(numbers().length, 10);
    await runner.stop();
    const again = await startReading(connectorTo(broker.address, 'anew'), disk.afterKill());
    await until(() => again.runner.status().state === 'refused');
    assert.equal(again.numbers().length, 10);
  },
);

test('records that expired unread are refused, or skipped if so declared', limits, async () => {
  await operator.create('expired', 1);
  await operator.sendNumbers('expired', 0, range(0, 10));
  const first = await startReading(connectorTo(broker.address, 'expired'));
  await until(() => first.numbers().length === 10);
  await first.runner.stop();
  await operator.sendNumbers('expired', 0, range(10, 30));
  const cut = { name: 'expired', partitions: [{ partition: 0, offset: 20n }] };
  await operator.admin.deleteRecords({ topics: [cut] });
  const strict = await startReading(connectorTo(broker.address, 'expired'), first.disk.afterKill());
  await until(() => strict.runner.status().state === 'refused');
  assert.match(strict.runner.status().problem?.message ?? '', /begins at offset 20/);
  const lenient = connectorTo(broker.address, 'expired', { lost: 'skip' });
  const skipping = await startReading(lenient, first.disk.afterKill());
  await until(() => skipping.numbers().length === 20);
  assert.deepEqual(skipping.numbers(), [...range(0, 10), ...range(20, 30)]);
  assert.match(skipping.runner.status().problems[0] ?? '', /10 to 19 were skipped/);
  await skipping.runner.stop();
});

test('a group hears of offsets, and whatever becomes of it changes nothing', limits, async () => {
  await operator.create('watched', 2);
  await operator.sendNumbers('watched', 0, range(0, 30));
  await operator.sendNumbers('watched', 1, range(30, 50));
  const group = { id: 'lag-tools', clock: systemClock };
  const connect = () => connectorTo(broker.address, 'watched', { group });
  const first = await startReading(connect());
  await until(() => first.numbers().length === 50);
  await untilTrue(async () => (await operator.offsetsOf('lag-tools')) === 'watched 0@30 1@20');
  await first.runner.stop();
  // Rewound by someone: the next life reads on from the log, and corrects the group.
  await operator.admin.alterConsumerGroupOffsets({
    groupId: 'lag-tools',
    topics: [{ name: 'watched', partitionOffsets: [{ partition: 0, offset: 3n }] }],
  });
  await operator.sendNumbers('watched', 0, range(50, 60));
  const second = await startReading(connect(), first.disk.afterKill());
  await until(() => second.numbers().length === 60);
  await untilTrue(async () => (await operator.offsetsOf('lag-tools')) === 'watched 0@40 1@20');
  await second.runner.stop();
  await operator.admin.deleteGroups({ groups: ['lag-tools'] });
  await operator.sendNumbers('watched', 1, range(60, 70));
  const third = await startReading(connect(), second.disk.afterKill());
  await until(() => third.numbers().length === 70);
  assert.deepEqual(sorted(third.numbers()), range(0, 70));
  assert.deepEqual(third.runner.status().problems, []);
  await third.runner.stop();
});

test(
  'a group with members of its own takes nothing: shown, and reading goes on',
  limits,
  async () => {
    await operator.create('foreign', 1);
    await operator.sendNumbers('foreign', 0, range(0, 10));
    const member = new Consumer({
      bootstrapBrokers: [broker.address],
      clientId: 'member',
      groupId: 'members',
    });
    const stream = await member.consume({ topics: ['foreign'], autocommit: false });
    stream.resume();
    const group = { id: 'members', clock: systemClock };
    const { runner, numbers } = await startReading(
      connectorTo(broker.address, 'foreign', { group }),
    );
    await until(() => numbers().length === 10 && runner.status().problems.length === 1);
    assert.match(runner.status().problems[0] ?? '', /group 'members' was not told/);
    await operator.sendNumbers('foreign', 0, range(10, 20));
    await until(() => numbers().length === 20);
    assert.equal(runner.status().state, 'running');
    await runner.stop();
    await stream.close();
    await member.close(true);
  },
);

test('partitions that are added are read from their start', limits, async () => {
  await operator.create('growing', 1);
  await operator.sendNumbers('growing', 0, range(0, 10));
  const { runner, numbers } = await startReading(connectorTo(broker.address, 'growing'));
  await until(() => numbers().length === 10);
  await operator.admin.createPartitions({ topics: [{ name: 'growing', count: 3 }] });
  const operatorNow = new Operator(broker.address);
  await operatorNow.sendNumbers('growing', 2, range(10, 20));
  await operatorNow.close();
  await until(() => numbers().length === 20);
  await runner.stop();
  assert.deepEqual(sorted(numbers()), range(0, 20));
});
