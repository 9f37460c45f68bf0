import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { OfflineCatalog } from '../../store/offline-catalog.ts';
import { sweepOffline } from './sweep-offline.ts';

const DAY_MS = LIMITS.offlineOrphanMs;
const START_MS = 20_463 * 86_400_000;

test('tiles of groups that nothing has any more are given up after a while', (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'asof-gc-'));
  context.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const clock = new ManualClock(START_MS);
  const catalog = OfflineCatalog.open(dataDir, clock);
  context.after(() => catalog.close());
  const publish = (subject: string): void => {
    const part = {
      ...{ path: null, rows: 1, bytes: 1, checksum: null, fromCommit: 0, throughCommit: 7 },
      fingerprint: null,
      details: { day: 1 },
      state: 'final',
    } as const;
    const partitions = new Map([['2026-01-10', [part]]]);
    catalog.partitions.publish({ subject, expectedGeneration: 0, throughCommit: 7, partitions });
  };
  for (const subject of ['tiles/used', 'tiles/old', 'tiles/busy', 'units/old']) publish(subject);
  clock.advanceTo(START_MS + DAY_MS);
  publish('tiles/young');
  const nowMs = START_MS + DAY_MS + 1;
  catalog.leases.take('tiles/busy', 'other', 10_000);
  const sweep = (dryRun: boolean, used = ['used']): string[] =>
    sweepOffline({ dataDir, nowMs, dryRun }, new Set(used)).removals.map(({ path }) => path);
  assert.deepEqual(sweep(true), ['tiles/old']);
  assert.equal(catalog.partitions.live('tiles/old').length, 1, 'a dry run takes nothing away');
  assert.deepEqual(sweep(false), ['tiles/old']);
  assert.deepEqual(sweep(false), []);
  const left = ['old', 'used', 'busy', 'young'].map((id) => catalog.partitions.live(`tiles/${id}`));
  assert.deepEqual(
    left.map(({ length }) => length),
    [0, 1, 1, 1],
  );
  assert.equal(catalog.partitions.live('units/old').length, 1);
});
