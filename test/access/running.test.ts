import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '../../src/client/client.ts';
import {
  count,
  entity,
  lifetime,
  service,
  stream,
  string,
  timestamp,
  view,
} from '../../src/index.ts';
import { AccessWorld, type Who } from './world.ts';

const body = (service: string): RequestInit => ({
  method: 'POST',
  body: JSON.stringify({ service, rows: [{ card: 'a' }] }),
});

test('what changes in access is known to a running server, and what is away is not guessed', async (t) => {
  const world = await AccessWorld.create(t);
  const url = await world.serve();
  const status = async (headers: Record<string, string>, service = 'hush.checks') => {
    const type = { 'content-type': 'application/json' };
    const asked = { ...body(service), headers: { ...type, ...headers } };
    return (await fetch(`${url}/v1/features`, asked)).status;
  };
  const of = (who: Who) => status(world.headers(who));
  const becomes = async (who: Who, expected: number): Promise<void> => {
    for (let i = 0; i < 100 && (await of(who)) !== expected; i += 1) await wait(50);
    assert.equal(await of(who), expected, who);
  };

  // Twice each: the second one is known already, and goes the fast way.
  for (let i = 0; i < 2; i += 1) {
    assert.equal(await of('hush_reader'), 200);
    assert.equal(await of('shop_reader'), 404);
    assert.equal(await of('nobody'), 401);
    assert.equal(await status({ authorization: 'Bearer asof_nonsense' }), 401);
    assert.equal(await status({ authorization: `Basic ${world.keys.get('admin')}` }), 401);
    assert.equal(await status({ authorization: `Bearer ${'x'.repeat(10_000)}` }), 401);
  }

  await askByClient(url, world.keys);

  await world.as('admin', ['access', 'grant', 'shop_reader', 'reader', 'hush']);
  await becomes('shop_reader', 200);
  await world.as('admin', ['access', 'identity', 'labels', 'hush_reader', 'money']);
  for (let i = 0; i < 100; i += 1) {
    if ((await status(world.headers('hush_reader'), 'hush.sums')) === 200) break;
    await wait(50);
  }
  assert.equal(
    await status(world.headers('hush_reader'), 'hush.sums'),
    200,
    'it has the label now',
  );
  assert.equal(await status(world.headers('hush_admin'), 'hush.sums'), 403);

  const id = world.keys.get('shop_reader')?.split('_')[1] ?? '';
  await world.as('admin', ['access', 'key', 'revoke', id]);
  await becomes('shop_reader', 401);
  await world.as('admin', ['access', 'identity', 'disable', 'hush_reader']);
  await becomes('hush_reader', 401);

  const { result: rotated } = await world.as('admin', ['access', 'key', 'rotate', 'hush_admin']);
  const fresh = { authorization: `Bearer ${rotated.key}` };
  for (let i = 0; i < 100 && (await status(fresh)) !== 200; i += 1) await wait(50);
  assert.equal(await status(fresh), 200);
  assert.equal(await of('hush_admin'), 200, 'both are good for a while');

  // The registry is not there any more: who was known is, and nobody is let in by guess.
  writeFileSync(join(world.project.folder, '.asof', 'registry.db'), 'x'.repeat(8192));
  await wait(1_500);
  assert.equal(await of('hush_admin'), 200);
  assert.equal(await of('shop_reader'), 401);
  assert.equal(
    await status({ authorization: `Bearer asof_${'0'.repeat(16)}_${'a'.repeat(43)}` }),
    401,
  );
});

/** As a caller has them; of the view one feature is enough to name services. */
const payments = stream('hush.payments', {
  columns: { payment: string(), card: string(), at: timestamp() },
  eventTime: 'at',
  id: 'payment',
});
const card = entity('hush.card', { keys: { card: string() } });
const use = view('hush.use', {
  version: 1,
  source: payments,
  entity: card,
  key: { card: 'card' },
  features: () => ({ uses: count().over(lifetime()) }),
});
const checks = service('hush.checks', { version: 1, features: [use.all()] });
const sums = service('hush.sums', { version: 1, features: [use.all()] });

/** The client says who asks, and refusals have codes of their own. */
async function askByClient(url: string, keys: AccessWorld['keys']): Promise<void> {
  const as = (who: Who) => {
    const token = keys.get(who) ?? '';
    return createClient({ url, attempts: 1, token: async () => token });
  };
  const nobody = createClient({ url, attempts: 1 });
  await assert.rejects(nobody.get(checks, { card: 'a' }), { code: 'unauthenticated' });
  await assert.rejects(as('shop_reader').get(checks, { card: 'a' }), { code: 'unknown_service' });
  await assert.rejects(as('hush_reader').get(sums, { card: 'a' }), { code: 'forbidden' });
  assert.deepEqual(await as('hush_reader').get(checks, { card: 'a' }), { uses: 0 });
  const row = { payment: 'p', card: 'a', at: Date.now() };
  await assert.rejects(as('hush_reader').push(payments, [row]), { code: 'forbidden' });
}
