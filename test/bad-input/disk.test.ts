import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FailingDisk, Fault } from './failing-disk.ts';
import { payment, plan, Shop, temporaryFolder } from './world.ts';

async function shopOn(t: TestContext, fault: Fault, folder = temporaryFolder(t)): Promise<Shop> {
  return Shop.open(t, folder, (root) => new FailingDisk(root, fault));
}

test('a full disk: what was acknowledged stays, nothing half is taken, and it goes on after', async (t) => {
  const fault = new Fault();
  const shop = await shopOn(t, fault);
  assert.equal((await shop.pushLines([payment(), payment()])).status, 200);
  fault.now = { code: 'disk_full', prefix: 'log/' };
  const lost = payment();
  const refused = await shop.pushLines([lost, payment()]);
  assert.equal(refused.status, 507, refused.text);
  assert.equal(refused.json.error?.code, 'disk_full');
  assert.match(refused.json.error?.message ?? '', /log\//);
  assert.match(refused.json.error?.remedy ?? '', /unacknowledged events were not taken/);
  assert.equal(await shop.paymentsOf('c1', 's1'), 2, 'reads go on, and see what was acknowledged');
  fault.now = null;
  const retried = await shop.pushLines([lost]);
  assert.equal(retried.json.accepted, 1, 'its id is not taken by the failed try');
  assert.equal(await shop.paymentsOf('c1', 's1'), 3);
  await shop.close();
  const again = await shopOn(t, new Fault(), shop.folder);
  assert.equal(await again.paymentsOf('c1', 's1'), 3);
});

test('a full disk in a crowd: every push is either acknowledged and there, or refused and not', async (t) => {
  const fault = new Fault();
  const shop = await shopOn(t, fault);
  let acknowledged = 0;
  for (let round = 0; round < 6; round++) {
    fault.now = round % 2 === 0 ? null : { code: 'disk_full', prefix: 'log/' };
    const pushes = Array.from({ length: 8 }, () => shop.pushLines([payment(), payment()]));
    for (const { status, json } of await Promise.all(pushes)) {
      assert.ok(status === 200 || status === 507, String(status));
      if (status === 200) acknowledged += json.accepted ?? 0;
    }
    assert.equal(await shop.paymentsOf('c1', 's1'), acknowledged);
  }
  assert.equal(acknowledged, 48);
  await shop.close();
  const again = await shopOn(t, new Fault(), shop.folder);
  assert.equal(await again.paymentsOf('c1', 's1'), acknowledged);
});

test('a disk that has no room for dead letters says that those rows are not kept', async (t) => {
  const fault = new Fault();
  const shop = await shopOn(t, fault);
  fault.now = { code: 'disk_full', prefix: 'dead/' };
  const { status, json } = await shop.pushLines([payment(), '{"broken', payment()]);
  assert.equal(status, 207);
  assert.equal(json.accepted, 2);
  assert.equal(json.rejections?.[0]?.code, 'disk_full');
  assert.match(json.rejections?.[0]?.message ?? '', /malformed_json.*not kept/);
  fault.now = null;
  await shop.pushLines(['{"broken']);
  assert.deepEqual(
    (await shop.letters()).map(({ raw }) => raw),
    ['{"broken'],
  );
});

test('a disk that fails is told from one that is full, and answers go on', async (t) => {
  const fault = new Fault();
  const shop = await shopOn(t, fault);
  await shop.pushLines([payment()]);
  fault.now = { code: 'disk_failed', prefix: '' };
  const refused = await shop.pushLines([payment()]);
  assert.equal(refused.status, 503);
  assert.equal(refused.json.error?.code, 'disk_failed');
  assert.equal(await shop.paymentsOf('c1', 's1'), 1);
  fault.now = null;
  assert.equal((await shop.pushLines([payment()])).status, 200);
});

test('a key that cannot be read while an event needs it: the event is kept, and the state mends itself', async (t) => {
  const shop = await shopOn(t, new Fault());
  await shop.pushLines([payment(), payment()]);
  await shop.close();
  const fault = new Fault();
  const again = await shopOn(t, fault, shop.folder);
  fault.now = { code: 'disk_failed', prefix: 'state/', reads: true };
  // The key lies on disk only since the restart.
  const pushed = await again.pushLines([payment()]);
  assert.equal(pushed.status, 200, 'it is durable');
  assert.equal(pushed.json.accepted, 1);
  const refused = await again.pushLines([payment()]);
  assert.equal(refused.json.error?.code, 'not_ready', 'nothing is answered from a broken state');
  fault.now = null;
  let accepted = 1;
  for (let tries = 0; tries < 100 && accepted === 1; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    accepted += (await again.pushLines([payment()])).json.accepted ?? 0;
  }
  assert.equal(accepted, 2);
  assert.equal(await again.paymentsOf('c1', 's1'), 4);
});

test('a door that cannot be opened at an exchange: nothing is taken that answers do not see', async (t) => {
  const fault = new Fault();
  const shop = await shopOn(t, fault);
  await shop.pushLines([payment()]);
  await shop.platform.use(plan);
  const repeated = payment();
  // Nothing came since, so that the ids need not be written first.
  fault.now = { code: 'disk_failed', prefix: 'log/ids.bin', reads: true };
  await assert.rejects(shop.platform.use(plan), { code: 'disk_failed' });
  assert.equal((await shop.pushLines([payment()])).json.error?.code, 'not_ready');
  fault.now = null;
  let accepted = 1;
  for (let tries = 0; tries < 100 && accepted === 1; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    accepted += (await shop.pushLines([repeated])).json.accepted ?? 0;
  }
  assert.equal(await shop.paymentsOf('c1', 's1'), 2);
  await shop.platform.use(plan);
  const again = await shop.pushLines([repeated]);
  assert.equal(again.json.rejections?.[0]?.code, 'duplicate', 'its id is remembered');
  assert.equal(await shop.paymentsOf('c1', 's1'), 2);
});
