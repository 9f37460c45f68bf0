import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../../base/errors.ts';
import { seededRandom } from '../../base/random.ts';
import { MemoryDisk } from '../../testing/memory-disk.ts';
import type { Config } from '../config.ts';
import { NOTHING } from '../platform-parts.ts';
import { NO_PRICES } from './cost-config.ts';
import { gatherCost } from './cost-facts.ts';
import { costReport } from './cost-report.ts';

test('an online store that is away is told, and the rest is known all the same', async () => {
  const world = {
    config: { dataDir: '/nowhere', cost: NO_PRICES } as Config,
    disk: new MemoryDisk(seededRandom(1)),
    plan: () => NOTHING,
    engine: () => null,
    saveReads: () => {},
  };
  const away = new AsofError('store_unavailable', 'The store does not answer.');
  const facts = await gatherCost({ ...world, storeUsage: () => Promise.reject(away) }, 7);
  const report = costReport(facts);
  assert.deepEqual([report.days, report.storeProblem], [7, 'The store does not answer.']);
  const { storeProblem } = await gatherCost({ ...world, storeUsage: null }, 7);
  assert.equal(storeProblem, null);
  const broken = gatherCost({ ...world, storeUsage: () => Promise.reject(new Error('x')) }, 7);
  await assert.rejects(broken, /x/);
});
