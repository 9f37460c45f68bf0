import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileConnector } from '../ingest/connectors/files/file-connector.ts';
import { KafkaConnector } from '../ingest/connectors/kafka/kafka-connector.ts';
import { jsonValue } from '../ingest/connectors/kafka/record-values.ts';
import {
  CONTRACT_SCHEMA,
  type ConnectorWorld,
  type ContractTools,
  checkConnector,
} from './connector-contract.ts';
import { MemoryFolder } from './memory-folder.ts';
import { MemoryKafka } from './memory-kafka.ts';

const SEEDS = 40;
const AT = 1_700_000_000_000;
const HEADER = 'n,at,text\r\n';

type TextFormat = 'ndjson' | 'csv';

/** Files that grow or come whole, with rows of all kinds of line ends. */
function fileWorld(format: TextFormat) {
  return ({ random, clock, pause }: ContractTools): ConnectorWorld => {
    const folder = new MemoryFolder(() => clock.nowMs());
    let files = 0;
    let last = '';
    const begin = (): void => {
      files += 1;
      last = `part-${String(files).padStart(3, '0')}.${format}`;
      folder.put(last, format === 'csv' ? HEADER : '');
    };
    const lineOf = (n: number): string =>
      format === 'csv' ? `${n},${AT},"a ""b""\n,c"\r\n` : `${JSON.stringify({ n, at: AT })}\n`;
    return {
      connect: () =>
        new FileConnector({
          folder,
          schema: CONTRACT_SCHEMA,
          format,
          suffix: `.${format}`,
          columns: {},
          delimiter: ',',
          follow: true,
          settleMs: 1_000,
          pollMs: 100,
          clock,
          pause,
        }),
      add: (numbers) => {
        if (format === 'csv' || last === '' || random.below(3) === 0) begin();
        folder.append(last, numbers.map(lineOf).join(''));
      },
      addPoison: () => {
        if (format === 'ndjson') folder.append(last, '{"n":1\n');
        else {
          // Within the rows of a file, or one by itself; a stray quote takes none of those behind.
          if (random.below(2) === 0) begin();
          const poison = ['7,8,9,10,11\n', '7,8,"stray\n', '7,8,stray"quote\n', '7,"8,9\r\n'];
          const all = Buffer.from(folder.readAt(last, 0, Number.MAX_SAFE_INTEGER)).toString();
          const at = random.below(2) === 0 ? HEADER.length : all.length;
          folder.put(last, all.slice(0, at) + random.pick(poison) + all.slice(at));
        }
        return true;
      },
      setAway: (isAway) => {
        folder.isAway = isAway;
      },
    };
  };
}

function kafkaWorld({ random, clock }: ContractTools): ConnectorWorld {
  const kafka = new MemoryKafka();
  kafka.create('topic', 2);
  kafka.wait = () => new Promise((resolve) => setImmediate(resolve));
  let partitions = 2;
  return {
    connect: () =>
      new KafkaConnector({
        connect: () => kafka.client(),
        topic: 'topic',
        readValue: jsonValue,
        start: 'earliest',
        lost: 'refuse',
        tombstones: 'ignore',
        group: { id: 'watched', clock },
      }),
    add: (numbers) => {
      // Whatever becomes of the group changes nothing.
      kafka.groupsAreBroken = random.below(2) === 0;
      if (random.below(2) === 0) kafka.groups.clear();
      for (const group of kafka.groups.values()) for (const at of group.keys()) group.set(at, 0);
      if (random.below(4) === 0) kafka.grow('topic', ++partitions);
      for (const n of numbers) {
        const partition = random.below(partitions);
        kafka.send('topic', partition, JSON.stringify({ n, at: AT }));
        if (random.below(10) === 0) kafka.send('topic', partition, null);
      }
    },
    addPoison: () => {
      kafka.send('topic', random.below(partitions), new Uint8Array([0xff, 0x7b]));
      return true;
    },
    setAway: (isAway) => {
      kafka.isAway = isAway;
    },
  };
}

const WORLDS = { ndjson: fileWorld('ndjson'), csv: fileWorld('csv'), kafka: kafkaWorld };

for (const [name, make] of Object.entries(WORLDS)) {
  test(`${name}: every row exactly once, through crashes, outages and poison`, async () => {
    let [rows, crashes, waits] = [0, 0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const done = await checkConnector(make, seed);
      rows += done.rows;
      crashes += done.crashes;
      waits += done.waits;
    }
    // The lives must have been hard ones, or the promise was not tried.
    const lived = `${rows} rows, ${crashes} crashes, ${waits} waits`;
    assert.ok(rows > SEEDS * 50 && crashes > SEEDS / 2 && waits > SEEDS, lived);
  });
}
