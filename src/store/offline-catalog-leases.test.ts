import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { codeOf, folder, open } from './offline-catalog.fixture.ts';

test('a lease runs out by the clock, and who lost it cannot publish', (context) => {
  const dataDir = folder(context);
  const clock = new ManualClock(1000);
  const catalog = open(context, dataDir, clock);
  const lease = catalog.leases.take('s', 'one', 100);
  assert.equal(
    codeOf(() => catalog.leases.take('s', 'two', 100)),
    'run_conflict',
  );
  clock.advanceTo(1050);
  const renewed = catalog.leases.renew(lease, 100);
  assert.equal(renewed.untilMs, 1150);
  clock.advanceTo(1100);
  assert.equal(
    codeOf(() => catalog.leases.take('s', 'two', 100)),
    'run_conflict',
  );
  clock.advanceTo(1150);
  const taken = catalog.leases.take('s', 'two', 100);
  assert.ok(taken.token > lease.token);
  assert.equal(
    codeOf(() => catalog.leases.renew(renewed, 100)),
    'run_conflict',
  );
  const publication = {
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 1,
    partitions: new Map(),
  };
  assert.equal(
    codeOf(() => catalog.partitions.publish({ ...publication, lease: renewed })),
    'run_conflict',
  );
  catalog.leases.release(renewed);
  assert.equal(catalog.leases.held('s')?.untilMs, 1250, 'a lost lease releases nothing');
  assert.equal(catalog.partitions.publish({ ...publication, lease: taken }), 1);
  catalog.leases.release(taken);
  assert.ok(catalog.leases.take('s', 'one', 100).token > taken.token);
});

test('a lease whose owner is known to be gone is taken over at once', (context) => {
  const { leases } = open(context, folder(context));
  leases.take('s', 'one', 1000);
  assert.equal(
    codeOf(() => leases.take('s', 'two', 1000, (owner) => owner !== 'one')),
    'run_conflict',
  );
  assert.equal(leases.take('s', 'two', 1000, (owner) => owner === 'one').owner, 'two');
});
