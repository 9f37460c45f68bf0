import assert from 'node:assert/strict';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Platform } from '../../src/app/platform.ts';
import { appliedPlan } from '../../src/app/project.ts';
import { systemClock } from '../../src/base/clock.ts';
import { NodeDisk } from '../../src/base/node-disk.ts';
import { archiveInThread } from '../../src/ingest/archive-thread.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { configOf, payment, plan, Shop } from './world.ts';

/** A closed shop with pushes of one payment each, in the log of one segment. */
async function closedShop(t: TestContext, pushes: number): Promise<Shop> {
  const shop = await Shop.open(t);
  for (let index = 0; index < pushes; index++) await shop.pushLines([payment()]);
  await shop.close();
  return shop;
}

const dataFolder = (shop: Shop): string => join(shop.folder, '.asof');

function segment(shop: Shop): string {
  const folder = join(dataFolder(shop), 'log');
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.seg'));
  return join(folder, name);
}

test('a second process is refused, and the first one goes on', async (t) => {
  const shop = await Shop.open(t);
  await assert.rejects(Platform.start(configOf(shop.folder), plan), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, 'directory_in_use');
    assert.match(error.message, new RegExp(`Another process uses ${dataFolder(shop)}`));
    return true;
  });
  assert.equal((await shop.pushLines([payment()])).status, 200);
  assert.equal(await shop.paymentsOf('c1', 's1'), 1);
});

test('data of a newer format is refused before anything is touched', async (t) => {
  const shop = await closedShop(t, 1);
  const file = join(dataFolder(shop), 'format.json');
  writeFileSync(file, '{"format":2}\n');
  const before = readFileSync(segment(shop));
  const refusal = { code: 'newer_format', remedy: /Upgrade asof/, message: /has format 2/ };
  await assert.rejects(Platform.start(configOf(shop.folder), plan), refusal);
  await assert.rejects(appliedPlan(configOf(shop.folder)), refusal);
  assert.deepEqual(readFileSync(segment(shop)), before);
  writeFileSync(file, 'not JSON');
  await assert.rejects(Platform.start(configOf(shop.folder), plan), {
    code: 'newer_format',
    message: /format unknown/,
  });
  writeFileSync(file, '{"format":1}\n');
  const again = await Shop.open(t, shop.folder);
  assert.equal(await again.paymentsOf('c1', 's1'), 1);
});

test('a torn tail of the log, which nobody was promised, is cut', async (t) => {
  const shop = await closedShop(t, 3);
  const file = segment(shop);
  writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from([1, 2, 3, 4, 5])]));
  const again = await Shop.open(t, shop.folder);
  assert.equal(await again.paymentsOf('c1', 's1'), 3);
  assert.equal((await again.pushLines([payment()])).status, 200);
  assert.equal(await again.paymentsOf('c1', 's1'), 4);
});

test('a damaged byte in the middle of the log is refused, and names file and place', async (t) => {
  const shop = await closedShop(t, 3);
  const file = segment(shop);
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
  await assert.rejects(Platform.start(configOf(shop.folder), plan), {
    code: 'corrupt_log',
    message: /commit \d+ fails its checksum|0000000000000001\.seg/,
    remedy: /Restore the segment from a copy; nothing was guessed/,
  });
  assert.deepEqual(readFileSync(file), bytes, 'nothing was repaired');
});

test('a log that lost acknowledged events behind a checkpoint is refused', async (t) => {
  const shop = await closedShop(t, 3);
  const file = segment(shop);
  truncateSync(file, readFileSync(file).length - 8);
  await assert.rejects(Platform.start(configOf(shop.folder), plan), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, 'corrupt_log');
    assert.equal(error.message, 'The state is at commit 3, but the log ends at commit 2.');
    return true;
  });
});

test('a state folder that is gone is rebuilt from the log', async (t) => {
  const shop = await closedShop(t, 4);
  rmSync(join(dataFolder(shop), 'state'), { recursive: true });
  const again = await Shop.open(t, shop.folder);
  assert.equal(await again.paymentsOf('c1', 's1'), 4);
  assert.equal(again.platform.replayedEvents, 4);
});

test('an archive without its catalog is written anew while the log has the events', async (t) => {
  const shop = await Shop.open(t);
  for (let index = 0; index < 3; index++) await shop.pushLines([payment()]);
  const dataDir = dataFolder(shop);
  await archiveInThread({ dataDir, throughCommit: 3, onArchived: () => {} });
  await shop.close();
  const manifest = join(dataDir, 'archive', 'catalog.db');
  assert.ok(existsSync(manifest));
  rmSync(manifest);
  // The log still has every event: the archive is only a copy, and is written anew.
  const again = await Shop.open(t, shop.folder);
  assert.equal(await again.paymentsOf('c1', 's1'), 3);
});

test('a log that is gone is told from a state that is: nothing is begun anew in silence', async (t) => {
  const shop = await Shop.open(t);
  await shop.pushLines([payment()]);
  const dataDir = dataFolder(shop);
  await archiveInThread({ dataDir, throughCommit: 1, onArchived: () => {} });
  await shop.close();
  rmSync(join(dataDir, 'log'), { recursive: true });
  const refusal = { code: 'corrupt_log', message: /ends at commit 0|log at commit 0/ };
  await assert.rejects(Platform.start(configOf(shop.folder), plan), refusal);
  rmSync(join(dataDir, 'state'), { recursive: true });
  await assert.rejects(Platform.start(configOf(shop.folder), plan), refusal);
});

test('an archive without its catalog is refused where the log has been cut', async (t) => {
  const shop = await Shop.open(t);
  await shop.pushLines([payment()]);
  const dataDir = dataFolder(shop);
  await archiveInThread({ dataDir, throughCommit: 1, onArchived: () => {} });
  await shop.close();
  const disk = new NodeDisk(dataDir);
  const log = await EventLog.open({ disk, schemas: plan.sources, limits: { segmentBytes: 1 } });
  const door = Ingestor.open({ disk, log, sources: plan.sources, clock: systemClock });
  await door.push('payments', [JSON.parse(payment())]);
  door.close();
  log.cutThrough(1);
  assert.equal(log.firstCommit, 2);
  await log.close();
  rmSync(join(dataDir, 'archive', 'catalog.db'));
  await assert.rejects(Platform.start(configOf(shop.folder), plan), {
    code: 'corrupt_archive',
    message: 'Commits 1 to 1 are neither archived nor in the log.',
    remedy: /Restore the archive folder from a copy/,
  });
});
