import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { fingerprintOf } from '../batch/backfill/group-plan.ts';
import { target } from '../batch/backfill/world.fixture.ts';
import { tileBuilder } from '../batch/tiles/tile-builder.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { CATALOG_FILE, OfflineCatalog } from '../store/offline-catalog.ts';
import { OfflineFiles } from '../store/offline-files.ts';
import { catalogSnapshots } from './catalog-snapshots.ts';

const plan: ProjectPlan = {
  format: 1,
  sources: [target.source],
  entities: [],
  groups: [target.group],
  views: [],
  services: [],
  datasets: [],
  models: [],
  dashboards: [],
};

/** A data directory with one published file of the group. */
async function published(
  context: TestContext,
  fingerprint: string,
  ofParts = fingerprint,
): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'asof-snapshots-'));
  context.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const files = new OfflineFiles(dataDir);
  const path = 'offline/tiles/g1/2026-01-10/1.1-0.parquet';
  const { bytes, checksum } = await files.write(path, async () =>
    writeFileSync(files.unfinished(path), 'tiles'),
  );
  const catalog = OfflineCatalog.open(dataDir, systemClock);
  const part = {
    ...{ path, rows: 1, bytes, checksum, fromCommit: 0, throughCommit: 7, fingerprint: ofParts },
    details: { day: 20_463, events: 1 },
    state: 'final',
  } as const;
  catalog.partitions.publish({
    subject: 'tiles/g1',
    expectedGeneration: 0,
    throughCommit: 9,
    partitions: new Map([['2026-01-10', [part]]]),
    details: { fingerprint },
  });
  catalog.close();
  return dataDir;
}

const current = fingerprintOf({ builder: tileBuilder(plan) }, target);

test('what is published is found with its commit, and checked before it is used', async (context) => {
  const dataDir = await published(context, current);
  const snapshots = catalogSnapshots(dataDir, plan, silentLogger);
  const found = snapshots.find('g1');
  assert.ok(found !== null);
  const [file] = found.files;
  assert.ok(file !== undefined);
  assert.deepEqual([found.throughCommit, file.day], [9, 20_463]);
  assert.equal(await snapshots.isSound(file), true);
  writeFileSync(file.path, 'bits');
  assert.equal(await snapshots.isSound(file), false);
  rmSync(file.path);
  assert.equal(await snapshots.isSound(file), false);
  assert.equal(snapshots.find('another'), null);
});

test('tiles of another form, and a catalog that is absent or damaged, are none', async (context) => {
  const dataDir = await published(context, 'tiles-0 g1');
  assert.equal(catalogSnapshots(dataDir, plan, silentLogger).find('g1'), null);
  const mixed = await published(context, current, 'tiles-0 g1');
  assert.equal(catalogSnapshots(mixed, plan, silentLogger).find('g1'), null);
  rmSync(join(dataDir, CATALOG_FILE));
  assert.equal(catalogSnapshots(dataDir, plan, silentLogger).find('g1'), null);
  writeFileSync(join(dataDir, CATALOG_FILE), 'damaged'.repeat(999));
  const said: unknown[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => said.push(fields) };
  assert.equal(catalogSnapshots(dataDir, plan, logger).find('g1'), null);
  assert.match(JSON.stringify(said), /corrupt_catalog/);
});
