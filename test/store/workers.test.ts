import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { until, WorkerWorld } from './worker-world.ts';

const CLICKS = [
  { user: 'u1', page: 'a', cost: 3 },
  { user: 'u1', page: 'b', cost: 4 },
  { user: 'u2', page: 'a', cost: 5 },
];

async function applied(t: TestContext, settings: object = {}): Promise<WorkerWorld> {
  const world = new WorkerWorld(settings);
  t.after(() => world.close());
  const run = await world.run('apply');
  assert.equal(run.code, 0, run.text);
  return world;
}

/** Processes whose parent this is, or was, by the folder that they serve. */
function workersOf(pid: number): number[] {
  const text = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, parent, ...args]) => Number(parent) === pid && args.join(' ').includes('worker-main'),
    )
    .map(([own]) => Number(own));
}

test('workers answer reads beside each other and hand all else to the primary', async (t) => {
  const world = await applied(t);
  const server = await world.serve('--workers', '2', '--port', '0');
  const commit = await server.push(CLICKS);
  const answer = await server.askAt('u1', commit);
  assert.deepEqual(answer.rows[0]?.values, { clicks_1h: 2, spent: 7, pages: 2 });

  const unknown = await server.send('POST', '/v1/events/nowhere', '{}', 'x-ndjson');
  assert.equal(unknown.status, 404);
  assert.equal(JSON.parse(unknown.text).error.code, 'unknown_source');
  const metrics = (await server.send('GET', '/metrics')).text;
  assert.match(metrics, /asof_store_commit\{process="primary"\} \d/);
  assert.match(metrics, /asof_replica_commit\{process="worker-2"\} \d/);
  assert.equal((metrics.match(/# TYPE asof_replica_commit/g) ?? []).length, 1);

  // A body that does not fit into any buffer on the way, and its answer, come through whole.
  const many = Array.from({ length: 40_000 }, (_, i) => ({ user: `x${i}`, page: 'p', cost: i }));
  const last = await server.push(many);
  assert.equal((await server.askAt('x39999', last)).rows[0]?.values.spent, 39_999);
  assert.equal(await server.stop(), 0);
});

test('a worker that is killed is started again; without the primary reads go on', async (t) => {
  const world = await applied(t);
  const server = await world.serve('--workers', '2', '--port', '0');
  const commit = await server.push(CLICKS);
  await server.askAt('u1', commit);
  const before = workersOf(server.pid);
  assert.equal(before.length, 2);
  process.kill(before[0] ?? -1, 'SIGKILL');
  const after = await until(async () => {
    const now = workersOf(server.pid);
    return now.length === 2 && !now.includes(before[0] ?? -1) ? now : null;
  });
  // The new one must listen before its primary goes.
  await until(async () => {
    const { text } = await server.send('GET', '/metrics');
    return /asof_replica_up\{process="worker-1"\} 1/.test(text) ? text : null;
  });

  await server.kill();
  t.after(() => {
    for (const pid of after) kill(pid);
  });
  const answer = await until(() => server.ask('u1'));
  assert.equal(answer.position.commit, commit);
  assert.equal(answer.rows[0]?.values.spent, 7);
  const refused = await until(() => server.send('POST', '/v1/events/clicks', '{}', 'x-ndjson'));
  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.text).error.code, 'primary_away');
  const ready = JSON.parse((await server.send('GET', '/readyz')).text);
  assert.match(ready.reasons.join(), /The primary is gone/);

  // The next one has workers of its own on that port, and those before leave.
  const { port } = new URL(server.url);
  const next = await world.serve('--workers', '1', '--port', port);
  await until(async () => (after.some(isAlive) ? null : true));
  assert.deepEqual((await next.askAt('u1', commit)).rows[0]?.values.spent, 7);

  // One without workers gets the port from those that were left.
  const left = workersOf(next.pid);
  assert.equal(left.length, 1);
  await next.kill();
  t.after(() => left.forEach(kill));
  assert.equal((await until(() => next.ask('u1'))).position.commit, commit);
  const alone = await world.serve('--port', port);
  await until(async () => (left.some(isAlive) ? null : true));
  assert.equal((await alone.ask('u1')).rows[0]?.values.spent, 7);
  assert.equal(await alone.stop(), 0);
});

test('a reader without an engine answers, follows, and names the primary for all else', async (t) => {
  const world = await applied(t);
  const primary = await world.serve('--port', '0');
  const commit = await primary.push(CLICKS);
  const reader = await world.serve('--read-only', '--port', '0');
  assert.deepEqual((await reader.askAt('u1', commit)).rows[0]?.values.spent, 7);
  const later = await primary.push([{ user: 'u1', page: 'c', cost: 1 }]);
  assert.deepEqual((await reader.askAt('u1', later)).rows[0]?.values, {
    ...{ clicks_1h: 3, spent: 8, pages: 3 },
  });
  const refused = await reader.send('POST', '/v1/events/clicks', '{}', 'x-ndjson');
  assert.equal(refused.status, 409);
  assert.equal(JSON.parse(refused.text).error.code, 'not_primary');
  assert.ok(JSON.parse(refused.text).error.message.includes(primary.url));

  await world.run('store', 'clear', '--url', primary.url);
  const emptied = await until(async () => {
    const ready = await reader.send('GET', '/readyz');
    return ready.status === 503 ? ready : null;
  });
  assert.match(emptied.text, /Nothing is published/);
  const faults = await reader.ask('u1');
  assert.notEqual(faults.rows[0]?.statuses.spent, 'present');
  assert.notEqual(faults.rows[0]?.statuses.spent, 'default');
  const rebuilt = await world.run('store', 'rebuild', '--url', primary.url);
  assert.equal(rebuilt.code, 0, rebuilt.text);
  assert.deepEqual((await reader.askAt('u1', later)).rows[0]?.values.spent, 8);
  assert.equal(await reader.stop(), 0);
  assert.equal(await primary.stop(), 0);
});

test('nothing of a person who is forgotten stays in the online store', async (t) => {
  const world = await applied(t);
  const primary = await world.serve('--port', '0');
  const who = 'somebody-quite-unmistakable';
  const commit = await primary.push([...CLICKS, { user: who, page: 'a', cost: 9 }]);
  const reader = await world.serve('--read-only', '--port', '0');
  assert.equal((await reader.askAt(who, commit)).rows[0]?.values.spent, 9);
  const file = `${world.folder}/.asof/online/rows.mdb`;
  assert.ok(readFileSync(file).includes(who));
  const run = await world.run(
    'forget',
    '--entity',
    `user=${who}`,
    '--reason',
    'asked',
    '--grace',
    '1s',
  );
  assert.equal(run.code, 0, run.text);
  const answer = await until(async () => {
    const now = await reader.ask(who);
    return now.rows[0]?.values.spent === 0 ? now : null;
  });
  assert.equal(answer.rows[0]?.statuses.spent, 'default');
  assert.equal((await reader.ask('u1')).rows[0]?.values.spent, 7);
  assert.equal(await reader.stop(), 0);
  assert.equal(await primary.stop(), 0);
});

test('answers of workers are sampled into the one log, and replay to the same values', async (t) => {
  const world = await applied(t);
  const server = await world.serve('--workers', '2', '--port', '0');
  let commit = await server.push(CLICKS);
  await server.askAt('u1', commit);
  for (let i = 0; i < 12; i++) {
    if (i % 4 === 0) commit = await server.push([{ user: 'u1', page: `p${i}`, cost: i }]);
    await server.ask(i % 3 === 0 ? 'nobody' : 'u1');
  }
  assert.equal(await server.stop(), 0);
  const run = await world.run('verify');
  assert.equal(run.code, 0, run.text);
  const told = JSON.parse(run.text.trim().split('\n').at(-1) ?? '{}');
  assert.ok(told.verified >= 13 && told.values >= 39, run.text);
  assert.equal(told.mismatches, 0);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}
