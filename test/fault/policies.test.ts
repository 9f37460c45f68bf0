import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ServeLogWriter } from '../../src/store/serve-log.ts';
import { newestAnswers } from '../../src/store/serve-log-reader.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { checkFaultyAnswer, type Seen } from './check-answer.ts';
import { FaultWorld } from './fault-world.ts';
import { FAULTS } from './faulty-rows.ts';

const KEY = { airport: 'ATL', from_airport: 'ATL', to_airport: 'JFK', pilot: 1 };

test('what was read last stands in within its bound, and says which commit it is of', async () => {
  const world = new FaultWorld(3);
  await world.feed(60);
  const before = await world.ask('keeping', [KEY]);
  assert.equal(before.degraded, undefined);
  world.faulty.fault = 'away';
  await world.feed(60);
  await world.timers.pass(500);
  const kept = await world.ask('keeping', [KEY]);
  const { airport_delays: view } = kept.degraded ?? {};
  assert.ok(view !== undefined);
  assert.equal(view.commit, 1);
  assert.equal(view.reason, 'last_known');
  assert.ok(view.ageMs >= 500 && view.ageMs < 600);
  assert.equal(kept.rows[0]?.statuses.departures_1h, 'stale');
  checkFaultyAnswer(world, kept, [KEY], new Map());
  // Of keys that were never read nothing is known.
  const other = { ...KEY, airport: 'SFO' };
  const unknown = await world.ask('keeping', [other]);
  assert.equal(unknown.rows[0]?.statuses.departures_1h, 'error');
  assert.equal(unknown.rows[0]?.values.departures_1h, 0);
  await world.timers.pass(1_600);
  const late = await world.ask('keeping', [KEY]);
  assert.equal(late.degraded, undefined);
  assert.equal(late.rows[0]?.statuses.departures_1h, 'error');
});

test('rows fail alone where something required of them is not there', async () => {
  const world = new FaultWorld(4);
  await world.feed(80);
  world.faulty.fault = 'half';
  const keys = ['ATL', 'JFK', 'SFO', 'ORD'].map((airport) => ({ ...KEY, airport }));
  let failed = 0;
  let answered = 0;
  for (let i = 0; i < 20; i++) {
    const response = await world.ask('strict', keys, 30);
    checkFaultyAnswer(world, response, keys, new Map());
    for (const row of response.rows) {
      if (row.failed === undefined) answered += 1;
      else failed += 1;
    }
    await world.timers.pass(100);
  }
  assert.ok(failed > 0 && answered > 0, `${failed} failed, ${answered} answered`);
});

test('the text of an answer is the JSON of its objects, whatever failed', async () => {
  const seen: Seen = new Map();
  for (const fault of FAULTS.filter((one) => one !== 'half' && one !== 'behind')) {
    const world = new FaultWorld(8);
    await world.feed(40);
    for (const name of world.services) await world.ask(name, [KEY]);
    world.faulty.fault = fault;
    if (fault === 'damaged' || fault === 'too few') world.faulty.fault = 'away';
    await world.timers.pass(20);
    for (const name of world.services) {
      const keys = [KEY, { ...KEY, airport: 'XXX' }];
      const response = await world.ask(name, keys, 10);
      checkFaultyAnswer(world, response, keys, seen);
      const text = JSON.parse(await world.askText(name, keys));
      const plain = (rows: unknown): unknown =>
        JSON.parse(
          JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? Number(value) : value)),
        );
      if (fault === 'slow' || fault === 'hangs') continue;
      assert.deepEqual(text.rows, plain(response.rows), `${fault} of ${name}`);
      assert.deepEqual(Object.keys(text.degraded ?? {}), Object.keys(response.degraded ?? {}));
    }
  }
  assert.ok((seen.get('error') ?? 0) > 0 && (seen.get('failed') ?? 0) > 0);
});

test('features that may not be seen are null and denied, and required ones fail the row', async () => {
  const world = new FaultWorld(6);
  await world.feed(80);
  const denied = new Set(['delay_sum']);
  const plain = await world.ask('plain', [KEY], undefined, denied);
  const [row] = plain.rows;
  assert.deepEqual([row?.values.delay_sum, row?.statuses.delay_sum], [null, 'denied']);
  assert.notEqual(row?.values.departures_1h, null);
  const strict = await world.ask('strict', [KEY], undefined, denied);
  assert.ok(strict.rows[0]?.failed?.features.includes('delay_sum'));
  assert.deepEqual(new Set(Object.values(strict.rows[0]?.values ?? {})), new Set([null]));
});

test('the log of answers holds what a replay can confirm, each at its own commit', async () => {
  const disk = new MemoryDisk(seededRandom(2));
  const later: (() => void)[] = [];
  const log = new ServeLogWriter({
    ...{ disk, rate: 1, random: seededRandom(1), logger: silentLogger },
    later: (task) => later.push(task),
  });
  const world = new FaultWorld(9, log);
  await world.feed(60);
  await world.ask('keeping', [KEY]);
  await world.feed(60);
  await world.ask('keeping', [{ ...KEY, airport: 'SFO' }]);
  world.faulty.fault = 'away';
  // The row of SFO is of commit 2, those of the other views of both commits.
  const kept = await world.ask('keeping', [{ ...KEY, airport: 'SFO' }]);
  assert.ok(kept.degraded !== undefined);
  await world.ask('plain', [KEY]);
  for (const task of later) task();
  await log.close();
  const { answers } = newestAnswers(disk, 100);
  const plan = world.serviceNamed('keeping');
  let compared = 0;
  for (const { service, key, commit, asOfMs, values, unknown = [] } of answers) {
    assert.ok(service === 'keeping', 'what is not there has no entry');
    const knows = (event: { readonly commit: number }): boolean => event.commit <= commit;
    for (const [name, { value }] of world.oracle.service(plan, key, asOfMs, knows)) {
      if (unknown.includes(name)) continue;
      compared += 1;
      assert.deepEqual(values[name], value, `${name} at ${commit}`);
    }
  }
  assert.ok(compared >= 3 * 6, `${compared} values of ${answers.length} entries`);
});
