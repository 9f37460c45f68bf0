import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FailingDisk, Fault } from './failing-disk.ts';
import { payment, Shop } from './world.ts';

/** A shop with one card of two payments, restarted with its saved rows damaged. */
async function damagedShop(t: TestContext, fault: Fault): Promise<Shop> {
  const shop = await Shop.open(t);
  await shop.pushLines([payment(), payment()]);
  await shop.close();
  let damaged = 0;
  for (const name of readdirSync(shop.folder, { recursive: true, encoding: 'utf8' })) {
    if (!/\bstate\/rows-\d+$/.test(name)) continue;
    const path = join(shop.folder, name);
    // Behind the head of the file.
    writeFileSync(
      path,
      readFileSync(path).map((byte, at) => (at < 16 ? byte : byte ^ 0x55)),
    );
    damaged += 1;
  }
  assert.ok(damaged > 0);
  return Shop.open(t, shop.folder, (root) => new FailingDisk(root, fault));
}

async function get(shop: Shop, path: string): Promise<{ status: number; json: Told }> {
  const response = await fetch(`${shop.platform.url}${path}`);
  return { status: response.status, json: (await response.json()) as Told };
}

interface Told {
  readonly state: string;
  readonly saved: { readonly rebuilt: boolean; readonly damage: string | null } | null;
}

/** The payments of the card, as soon as they are read. */
async function paymentsOnceMended(shop: Shop): Promise<unknown> {
  for (let tries = 0; tries < 100; tries++) {
    const payments = await shop.paymentsOf('c1', 's1');
    if (payments !== undefined) return payments;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

test('an event that meets a damaged saved row is taken, and the state mends itself', async (t) => {
  const fault = new Fault();
  const shop = await damagedShop(t, fault);
  // Holds the mending up, so that what is told meanwhile can be seen.
  fault.now = { code: 'disk_failed', prefix: 'log/ids.bin' };
  const pushed = await shop.pushLines([payment()]);
  assert.equal(pushed.status, 200, pushed.text);
  assert.equal(pushed.json.accepted, 1);
  const ready = await get(shop, '/readyz');
  assert.deepEqual([ready.status, ready.json.state], [503, 'replaying']);
  const status = await get(shop, '/v1/status');
  assert.equal(status.json.state, 'replaying');
  assert.match(status.json.saved?.damage ?? '', /fails its checksum/);
  const { status: code, json } = await shop.features('shopping', [{ card: 'c1', shop: 's1' }]);
  assert.deepEqual([code, json.error?.code], [503, 'not_ready']);
  assert.match(json.error?.message ?? '', /replaying/);
  fault.now = null;
  assert.equal(await paymentsOnceMended(shop), 3);
  const after = await get(shop, '/v1/status');
  assert.deepEqual(after.json.saved?.rebuilt, true);
  assert.equal(after.json.saved?.damage, null);
  assert.equal((await get(shop, '/readyz')).status, 200);
});

test('a read that meets a damaged saved row is to be repeated, and told why', async (t) => {
  const shop = await damagedShop(t, new Fault());
  const { status, json, text } = await shop.features('shopping', [{ card: 'c1', shop: 's1' }]);
  assert.deepEqual([status, json.error?.code], [503, 'not_ready']);
  assert.match(text, /"retryable":true/);
  assert.match(json.error?.message ?? '', /damaged.*checksum.*built anew from archive and log/);
  assert.doesNotMatch(json.error?.remedy ?? '', /Delete/);
  assert.equal(await paymentsOnceMended(shop), 2);
});
