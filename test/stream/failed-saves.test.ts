import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { type Fault, MemoryDisk } from '../../src/testing/memory-disk.ts';
import { compareStates } from './compare.ts';
import { BatchMaker, planOf, randomGroup } from './world.ts';

/** More operations than one checkpoint here takes. */
const OPERATIONS = 14;

for (const fault of ['full', 'io'] as const satisfies readonly Fault[]) {
  test(`checkpoints that fail (${fault}) leave no files behind, wherever they fail`, async () => {
    const random = seededRandom(3);
    const disk = new MemoryDisk(random);
    const maker = new BatchMaker(random, ['clicks']);
    const probes = [1, 2].flatMap((n) => randomGroup(random, 'clicks', `g${n}`));
    const open = (on: MemoryDisk): Promise<StreamEngine> =>
      StreamEngine.open({
        plan: planOf(['clicks'], probes),
        state: diskState({ disk: on, folder: 'state', segmentBytes: 2048 }),
        log: {
          firstCommit: 1,
          lastCommit: maker.batches.length,
          read: (after) => maker.batches.slice(after),
        },
        history: null,
        clock: new ManualClock(0),
        logger: silentLogger,
        policy: neverCheckpoint,
      });
    const engine = await open(disk);
    let failures = 0;
    for (let round = 0; round < 3 * OPERATIONS; round++) {
      for (let i = 0; i < 3; i++) engine.apply(maker.next());
      if (round % OPERATIONS === 0) await engine.checkpoint();
      const before = disk.list('state').length;
      disk.failAt({ atOperation: disk.operations + 1 + (round % OPERATIONS), fault, count: 1 });
      const isSaved = await engine.checkpoint().then(
        () => true,
        () => false,
      );
      disk.failAt();
      if (isSaved) continue;
      failures += 1;
      // Of a commit that may have reached the disk all stays, but not that of one after another.
      assert.ok(disk.list('state').length <= before + 3, `round ${round}`);
      if (round % 5 !== 0) continue;
      const killed = await open(disk.afterKill());
      assert.equal(killed.metrics.statesRebuilt, 0);
      compareStates(killed.store, probes, maker, random);
      await killed.abandon();
    }
    assert.ok(failures > OPERATIONS, `${failures} failures`);
    await engine.checkpoint();
    const { fileBytes } = engine.savedSize();
    const rows = disk.list('state').filter((name) => name.startsWith('rows-'));
    const bytes = rows.reduce((sum, name) => sum + disk.size(`state/${name}`), 0);
    assert.equal(bytes, fileBytes, 'no file of rows is nobody’s');
    await engine.abandon();
  });
}
