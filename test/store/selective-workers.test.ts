import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until, WorkerWorld } from './worker-world.ts';

test('workers ask the primary for rows that the store does not hold, and then find them', async (t) => {
  const world = new WorkerWorld({}, 'read');
  t.after(() => world.close());
  const applied = await world.run('apply');
  assert.equal(applied.code, 0, applied.text);
  const server = await world.serve('--workers', '1', '--port', '0');
  const commit = await server.push([
    { user: 'u1', page: 'a', cost: 3 },
    { user: 'u2', page: 'a', cost: 5 },
  ]);
  // Nobody has read them: at once they are as of what the primary has applied.
  const first = await server.ask('u1');
  assert.ok(first.position.commit >= commit);
  assert.deepEqual(first.rows[0]?.values, { clicks_1h: 1, spent: 3, pages: 1 });
  const unknown = await server.ask('nobody');
  assert.equal(unknown.rows[0]?.statuses.spent, 'default');

  const last = await server.push([{ user: 'u1', page: 'b', cost: 4 }]);
  const seen = await server.askAt('u1', last);
  assert.deepEqual(seen.rows[0]?.values, { clicks_1h: 2, spent: 7, pages: 2 });
  const text = await until(async () => {
    const metrics = (await server.send('GET', '/metrics')).text;
    return /asof_store_selected_keys\{process="primary"\} 1\n/.test(metrics) ? metrics : null;
  });
  const coldRows = (metrics: string): number =>
    Number(/asof_replica_cold_rows_total\{process="worker-1"\} (\d+)/.exec(metrics)?.[1]);
  assert.ok(coldRows(text) >= 2);
  await server.askAt('u1', last);
  await server.ask('u1');
  const again = coldRows((await server.send('GET', '/metrics')).text);
  await server.ask('u1');
  assert.equal(coldRows((await server.send('GET', '/metrics')).text), again, 'it is in the store');

  // Rows hold what no service shows: nobody has them without the key of the store.
  const body = JSON.stringify({ rows: [{ group: 'g', key: 'k' }], read: [] });
  const refused = await server.send('POST', '/v1/store/rows', body);
  assert.equal(refused.status, 401);
  assert.equal(JSON.parse(refused.text).error.code, 'unauthenticated');
  const key = readFileSync(join(world.folder, '.asof', 'online.key'), 'utf8');
  assert.match(key, /^[0-9a-f]{64}\n$/);

  // Without the primary what is in the store is answered, and nothing else is made up.
  await server.kill();
  assert.equal((await server.ask('u1')).rows[0]?.values.spent, 7);
  const cold = await server.ask('u2');
  assert.ok(['timeout', 'error'].includes(cold.rows[0]?.statuses.spent ?? ''));
});
