import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import { openProject, push, spawnCommand, valuesOf } from './import-world.ts';

const HOUR = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();

test('history beside a running server: nothing twice, answers of before replay, training reaches back', async (t) => {
  const project = await openProject(t);
  const server = await project.server('serve');
  const nowMs = Date.now();
  await push(server, 'payments', [
    { payment: 'live1', card: 'a', amount: 100, at: nowMs },
    { payment: 'both', card: 'a', amount: 10, at: nowMs - 1 },
  ]);
  // The second was late: by its assumed arrival it lies before the first live one.
  await push(server, 'taps', [{ card: 'a', at: nowMs }]);
  await push(server, 'taps', [{ card: 'a', at: nowMs - 1_000 }]);
  assert.deepEqual((await valuesOf(server, 'a')).uses, 2);
  const day = Math.floor(nowMs / 86_400_000) * 86_400_000;
  const [first, second] = [day - 50 * HOUR, day - 20 * HOUR];
  project.write(
    'payments.csv',
    `payment,card,amount,happened,received
old1,a,1,${iso(first)},${iso(first + 1_000)}
old2,a,2,${iso(second)},${iso(second + 2 * HOUR)}
both,a,10,${iso(nowMs)},${iso(nowMs)}
`,
  );
  project.write(
    'taps.ndjson',
    `${[first, second, nowMs - 1_000, Date.now()].map((at) => JSON.stringify({ card: 'a', at })).join('\n')}\n`,
  );
  const args = ['import', 'payments', 'payments.csv', '--arrival-column', 'received'];
  const done = await project.json([...args, '--map', 'happened=at']);
  const { read, accepted, duplicates, rejected, beyondCut, again } = done.result;
  assert.deepEqual(
    [read, accepted, duplicates, rejected, beyondCut, again],
    [3, 2, 1, 0, 0, false],
  );
  const taps = await project.json(['import', 'taps', 'taps.ndjson', '--assumed-delay', '1ms']);
  assert.deepEqual([taps.result.accepted, taps.result.beyondCut], [2, 2]);
  const values = await valuesOf(server, 'a');
  assert.deepEqual([values.uses, values.taps, values.newest], [4, 4, 'live1']);
  const repeated = await project.json([...args, '--map', 'happened=at']);
  assert.deepEqual([repeated.result.again, repeated.result.accepted], [true, 2]);
  assert.equal((await valuesOf(server, 'a')).uses, 4);
  const status = await (await fetch(`${server.url}/v1/lateness?source=payments`)).text();
  assert.doesNotMatch(status, /"maxMs":7200000/, 'imports say nothing of how late events come');
  const verified = await project.json(['verify']);
  assert.deepEqual([verified.code, verified.result.mismatches], [0, 0]);
  project.write(
    'spine.csv',
    `card,event_time
a,${iso(first)}
a,${iso(first + 1_000)}
a,${iso(second + HOUR)}
a,${iso(second + 2 * HOUR)}
`,
  );
  const train = ['train', '--service', 'cards', '--spine', 'spine.csv', '--out', 'set.ndjson'];
  assert.equal((await project.run(train)).code, 0);
  const lines = readFileSync(join(project.folder, 'set.ndjson'), 'utf8').trim().split('\n');
  const uses = lines.map((line) => (JSON.parse(line) as { uses: number }).uses);
  assert.deepEqual(uses, [0, 1, 1, 2], 'what serving would have known then');
});

test('changes are imported in order, before anything live, or not at all', async (t) => {
  const project = await openProject(t);
  const startMs = Date.now() - 100 * HOUR;
  const rows = [
    ['b1', 'c', 100, 0],
    ['b2', 'c', 7, 1],
    ['b1', 'u', 80, 2],
    ['b2', 'd', 'null', 3],
    ['b3', 'x', 1, 4],
  ].map(([booking, op, amount, hour]) => {
    const at = iso(startMs + Number(hour) * HOUR);
    return op === 'd'
      ? `{"booking":"${booking}","op":"d","known":"${at}"}`
      : `{"booking":"${booking}","card":"a","op":"${op}","amount":${amount},"at":"${at}","known":"${at}"}`;
  });
  project.write('b.ndjson', `${rows.join('\n')}\n`);
  const args = ['import', 'bookings', 'b.ndjson', '--arrival-column', 'known'];
  const { result } = await project.json(args);
  assert.deepEqual([result.accepted, result.rejections], [4, { unknown_operation: 1 }]);
  const server = await project.server('serve');
  assert.deepEqual((await valuesOf(server, 'a')).booked, 80);
  const more = { booking: 'b1', card: 'a', op: 'u', amount: 50, at: Date.now() };
  await push(server, 'bookings', [more]);
  assert.deepEqual((await valuesOf(server, 'a')).booked, 50);
  project.write('older.ndjson', `${rows[0]?.replace('b1', 'b9')}\n`);
  const late = await project.json([
    'import',
    'bookings',
    'older.ndjson',
    '--arrival-column',
    'known',
  ]);
  assert.equal(late.result.error.code, 'bad_request');
  assert.match(late.result.error.remedy, /before its first live row/);
});

for (const how of ['in its own process', 'beside a server', 'with the server']) {
  test(`kill -9 in the middle, ${how}: the same command goes on, and each event is there once`, async (t) => {
    const random = seededRandom(Date.now());
    const project = await openProject(t);
    const rows = 60_000;
    const sql = `SELECT 'p' || i AS payment, 'card' || (i % 3) AS card, i AS amount,
      TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS at,
      TIMESTAMP '2026-01-01' + INTERVAL (i + i % 7) SECOND AS known
      FROM range(${rows}) t(i)`;
    const args = ['import', 'payments', '--query', sql, '--arrival-column', 'known'];
    let server = how === 'in its own process' ? null : await project.server('serve');
    for (let kills = 0; kills < 3; kills++) {
      const child = spawnCommand(project, args);
      const ended = new Promise((resolve) => child.once('close', resolve));
      await Promise.race([ended, sleep(900 + random.below(2_000))]);
      if (how === 'with the server') server?.kill();
      child.kill('SIGKILL');
      await ended;
      if (how === 'with the server') server = await project.server('serve');
    }
    const { result, code } = await project.json(args);
    assert.deepEqual([code, result.read, result.accepted, result.duplicates], [0, rows, rows, 0]);
    server ??= await project.server('serve');
    const values = await Promise.all(
      ['card0', 'card1', 'card2'].map((one) => valuesOf(server, one)),
    );
    assert.deepEqual(
      values.map(({ uses }) => uses),
      [rows / 3, rows / 3, rows / 3],
    );
  });
}
