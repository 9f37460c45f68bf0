import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TileSpec } from '../aggregate/spec.ts';
import { CircuitBreaker } from '../base/circuit-breaker.ts';
import { systemClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { nextTurn, pause } from '../base/pause.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { StoreLease } from '../store/row-store.ts';
import { MemoryRows } from '../store/rows/memory-rows.ts';
import { KEYS, readNow, rowWrite, storeHead } from '../testing/row-store-world.ts';
import { PUBLISH_PORTIONS } from './publish-portions.ts';
import { StorePublisher } from './store-publisher.ts';

const SPEC: TileSpec = {
  accumulators: [{ fn: 'count', lane: 0, type: { kind: 'int64' } }],
  windows: [{ kind: 'lifetime', hopMs: 1, complete: false }],
};

function publisherOf(
  t: TestContext,
  rows: MemoryRows,
  directory: string,
  store = new MemoryTileStore(),
  groups: readonly string[] = [],
): StorePublisher {
  const publisher = new StorePublisher({
    ...{ rows, directory, wallClock: null, pause, turn: nextTurn, logger: silentLogger },
    portions: { ...PUBLISH_PORTIONS, retiredMs: 1 },
    breaker: new CircuitBreaker({
      ...{ clock: systemClock, random: seededRandom(1) },
      ...{ failures: 3, openMs: 10, maxOpenMs: 20 },
    }),
  });
  t.after(() => publisher.close());
  publisher.attach({
    ...{ store, groups, restoredCommit: 80, missing: new Set(), history: `${directory}.1` },
  });
  publisher.begin();
  return publisher;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(2);
}

test('whoever publishes to the store of others by mistake stops, and they go on', async (t) => {
  const rows = new MemoryRows();
  const theirs = await rows.acquire();
  await rows.publish(theirs, storeHead(3, ['orders~theirs.1-1-1']));
  const publisher = publisherOf(t, rows, 'mine');
  await until(() => publisher.status().state === 'stopped');
  assert.match(publisher.status().reason ?? '', /another data directory/);
  const [key] = KEYS;
  assert.ok(key !== undefined);
  await rows.write(theirs, 4, [rowWrite({ ...key, group: 'orders~theirs.1-1-1' }, 'x')]);
  await rows.publish(theirs, storeHead(4, ['orders~theirs.1-1-1']));
  assert.equal((await readNow(rows, [])).head?.commit, 4);
  // Who asks for it knows whose rows they are.
  await publisher.rebuild();
  await publisher.settled();
  assert.deepEqual((await readNow(rows, [])).head?.groups, []);
});

/** A store that is away until it is let in. */
class AwayRows extends MemoryRows {
  isThere = false;

  override async acquire(): Promise<StoreLease> {
    if (!this.isThere) throw new AsofError('store_unavailable', 'It is away.');
    return super.acquire();
  }
}

test('rows of commits that the log did not have when it began are not gone on with', async (t) => {
  const name = 'orders~mine.1-1-1';
  for (const [headCommit, goesOn] of [
    [85, true],
    // The data directory is a copy of before commit 90, and has gone another way since.
    [100, false],
  ] as const) {
    const rows = new AwayRows();
    rows.isThere = true;
    await rows.publish(await rows.acquire(), storeHead(headCommit, [name]));
    rows.isThere = false;
    const store = new MemoryTileStore();
    store.addGroup('orders', SPEC, 'who');
    store.applied.finish(90);
    const publisher = publisherOf(t, rows, 'mine', store, ['orders']);
    await until(() => publisher.status().state === 'away');
    store.applied.finish(120);
    rows.isThere = true;
    await publisher.settled();
    const { head } = await readNow(rows, []);
    assert.equal(head?.commit, 120);
    assert.equal(head?.groups[0] === name, goesOn);
  }
});
