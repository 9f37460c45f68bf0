import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import type { Pause } from '../../base/pause.ts';
import { seededRandom } from '../../base/random.ts';
import type { SourceSchema } from '../../schema/types.ts';
import { MemoryDisk } from '../../testing/memory-disk.ts';
import { MemoryFolder } from '../../testing/memory-folder.ts';
import { Ingestor } from '../ingestor.ts';
import { EventLog } from '../log.ts';
import { type ConnectorDoor, ConnectorRunner } from './connector-runner.ts';
import { FileConnector } from './files/file-connector.ts';
import type { SourceConnector } from './source-connector.ts';

const AT = 1_700_000_000_000;

const ORDERS: SourceSchema = {
  name: 'orders',
  columns: [
    { name: 'id', type: { kind: 'string' }, optional: false, min: null, max: null },
    { name: 'op', type: { kind: 'string' }, optional: false, min: null, max: null },
    { name: 'at', type: { kind: 'timestamp' }, optional: false, min: null, max: null },
    { name: 'text', type: { kind: 'string' }, optional: true, min: null, max: null },
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: 'id',
  allowedLatenessMs: Number.MAX_SAFE_INTEGER,
  maxClockSkewMs: 60_000,
  dedupeHorizonMs: 60_000,
  partitions: 1,
  changes: {
    column: 'op',
    insert: ['insert'],
    update: ['update'],
    delete: ['delete'],
    sequence: null,
    shape: 'row',
    horizonMs: 3_600_000,
    keep: 10,
  },
};

/** Rows of a list; a token is how many were read. It gives as many at a time as it may. */
function listed(rows: readonly object[], sizes: number[]): SourceConnector {
  return {
    kind: 'list',
    open: async (taken) => {
      let at = Number(taken.get('all') ?? 0);
      return {
        next: async (most) => {
          const some = rows.slice(at, at + most);
          if (some.length === 0) return null;
          const first = at;
          at += some.length;
          sizes.push(some.length);
          const found = some.map((row, i) => ({ place: `${first + i}`, body: { ...row } }));
          return { lane: 'all', rows: found, token: String(at) };
        },
        progress: () => ({ position: String(at), behind: rows.length - at, problems: [] }),
        close: async () => {},
      };
    },
  };
}

async function world(schema: SourceSchema, limits = {}) {
  const disk = new MemoryDisk(seededRandom(1));
  const clock = new ManualClock(AT);
  const log = await EventLog.open({ disk, schemas: [schema] });
  const ingestor = Ingestor.open({ disk, log, sources: [schema], clock, limits });
  const waits: number[] = [];
  const seen = { whileWaiting: () => {} };
  const pause: Pause = async (durationMs) => {
    waits.push(durationMs);
    seen.whileWaiting();
    clock.advanceTo(clock.nowMs() + durationMs);
  };
  const door: ConnectorDoor = ingestor;
  const run = (connector: SourceConnector) => {
    const { name: source } = schema;
    const runner = new ConnectorRunner({ name: 'reader', source, connector, door, pause });
    runner.start();
    return runner;
  };
  return { log, ingestor, run, waits, seen };
}

test('deletes of more bytes than one commit may take back come in several', async () => {
  const { log, ingestor, run, waits } = await world(ORDERS);
  const row = (op: string, n: number) => ({ op, id: `o${n}`, at: AT });
  const ids = Array.from({ length: 40 }, (_, n) => n);
  const text = 'x'.repeat(1_000_000);
  const sizes: number[] = [];
  const rows = [
    ...ids.map((n) => ({ ...row('insert', n), text })),
    ...ids.map((n) => row('delete', n)),
  ];
  const runner = run(listed(rows.slice(0, 40), []));
  await runner.ended();
  const deletes = run(listed(rows, sizes));
  assert.equal(await deletes.ended(), 'finished');
  // All at once is too much; so many as fit are read as a batch of their own, then the others.
  assert.deepEqual(sizes, [40, 33, 7]);
  assert.deepEqual(waits, []);
  const weights = [...log.read(0)].flatMap(({ retractions, count }) =>
    retractions ? [...retractions.weights] : Array.from({ length: count }, () => 1),
  );
  assert.equal(weights.length, 80);
  assert.equal(
    weights.reduce((sum, weight) => sum + weight, 0),
    0,
  );
  assert.deepEqual([...ingestor.letters.list('orders')], []);
  assert.deepEqual(ingestor.stats('orders')?.changes, { inserted: 40, updated: 0, deleted: 40 });
  assert.equal(deletes.status().accepted, 40);
});

test('a door without room is waited for, shown, and no letter is kept of it', async () => {
  const schema = { ...ORDERS, changes: null };
  const { log, ingestor, run, waits } = await world(schema, { ids: 10, idsKept: 0 });
  const rows = Array.from({ length: 25 }, (_, n) => ({ id: `o${n}`, op: 'x', at: AT }));
  const sizes: number[] = [];
  const problems = new Set<string>();
  const connector = listed(rows, sizes);
  const runner = run({
    ...connector,
    open: async (taken, signal) => {
      const { problem } = runner.status();
      if (problem !== null) problems.add(`${problem.code}: ${problem.message}`);
      return connector.open(taken, signal);
    },
  });
  assert.equal(await runner.ended(), 'finished');
  const ids = [...log.read(0)].flatMap(({ columns: [column] }) =>
    column?.kind === 'string' ? [...column.values] : [],
  );
  assert.deepEqual(
    ids,
    rows.map(({ id }) => id),
  );
  assert.deepEqual(sizes.slice(0, 3), [25, 10, 15]);
  assert.ok(waits.length > 0 && waits.every((waitMs) => waitMs <= 30_000));
  assert.match([...problems].join(), /overloaded: All 10 ids/);
  assert.deepEqual([...ingestor.letters.list('orders')], []);
  assert.equal(runner.status().problem, null);
});

test('a reader that gives more rows than it was asked for is refused', async () => {
  const { run } = await world({ ...ORDERS, changes: null }, { ids: 10, idsKept: 0 });
  const rows = Array.from({ length: 25 }, (_, n) => ({ id: `o${n}`, op: 'x', at: AT }));
  const connector = listed(rows, []);
  const runner = run({
    ...connector,
    open: async (taken, signal) => {
      const reader = await connector.open(taken, signal);
      return { ...reader, next: () => reader.next(25) };
    },
  });
  assert.equal(await runner.ended(), 'refused');
  assert.match(runner.status().problem?.message ?? '', /25 rows where 10 were asked for/);
});

test('a batch that is not taken yet is not part of the position', async () => {
  const { run, seen } = await world({ ...ORDERS, changes: null }, { ids: 10, idsKept: 0 });
  const folder = new MemoryFolder(() => AT);
  const line = (n: number): string => `${JSON.stringify({ id: `o${n}`, op: 'x', at: AT })}\n`;
  folder.put('a', Array.from({ length: 25 }, (_, n) => line(n)).join(''));
  const clock = new ManualClock(AT);
  const runner = run(
    new FileConnector({
      folder,
      schema: ORDERS,
      format: 'ndjson',
      suffix: '',
      columns: {},
      delimiter: ',',
      follow: false,
      settleMs: 0,
      pollMs: 1,
      clock,
      pause: async () => {},
    }),
  );
  const positions = new Set<string>();
  seen.whileWaiting = () => positions.add(runner.status().position);
  assert.equal(await runner.ended(), 'finished');
  assert.deepEqual([...positions], ['a:10', 'a:20']);
  assert.equal(runner.status().position, 'a:25');
  assert.equal(runner.status().behind, 0);
});
