import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { diskState } from '../../src/store/state-store.ts';
import { neverCheckpoint } from '../../src/stream/checkpoint-policy.ts';
import { StreamEngine } from '../../src/stream/stream-engine.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { compareStates } from './compare.ts';
import { BatchMaker, planOf, randomGroup } from './world.ts';

/** An engine's checkpoint on a disk in memory, with what is needed to open it again. */
class Saved {
  readonly random;
  readonly disk;
  readonly maker;
  readonly probes;
  readonly warnings: string[] = [];
  firstCommit = 1;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.disk = new MemoryDisk(this.random);
    this.maker = new BatchMaker(this.random, ['clicks']);
    this.probes = [1, 2].flatMap((n) => randomGroup(this.random, 'clicks', `g${n}`));
  }

  open(): Promise<StreamEngine> {
    const { maker, warnings } = this;
    const ignore = (): void => {};
    const warn: Logger['warn'] = (_fields, message) => warnings.push(message);
    return StreamEngine.open({
      plan: planOf(['clicks'], this.probes),
      state: diskState({ disk: this.disk, folder: 'state', segmentBytes: 2048 }),
      log: {
        firstCommit: this.firstCommit,
        lastCommit: maker.batches.length,
        read: (after) => maker.batches.slice(after),
      },
      history: null,
      clock: new ManualClock(0),
      logger: { debug: ignore, info: ignore, warn, error: ignore },
      policy: neverCheckpoint,
    });
  }

  /** Some checkpoints, and events after the last one. */
  async fill(): Promise<void> {
    const engine = await this.open();
    for (let i = 0; i < 60; i++) {
      engine.apply(this.maker.next());
      if (i % 12 === 11) await engine.checkpoint();
    }
    await engine.abandon();
  }

  files(prefix: string): string[] {
    return this.disk.list('state').flatMap((name) => {
      const path = `state/${name}`;
      return name.startsWith(prefix) && this.disk.size(path) > 0 ? [path] : [];
    });
  }

  compare(engine: StreamEngine): void {
    compareStates(engine.store, this.probes, this.maker, this.random);
  }
}

/** Serves right values, at once or after what was damaged has been found and built anew. */
async function expectRightValues(saved: Saved, what: string): Promise<'sound' | 'found' | 'told'> {
  let engine = await saved.open();
  let fate: 'sound' | 'found' | 'told' = engine.metrics.statesRebuilt > 0 ? 'told' : 'sound';
  try {
    saved.compare(engine);
  } catch (error) {
    // Damage that a read meets is an error of that read, never a wrong value.
    assert.ok(error instanceof AsofError && error.code === 'corrupt_state', `${what}: ${error}`);
    assert.notEqual(engine.damage, null);
    fate = 'found';
    await engine.close();
    engine = await saved.open();
    assert.equal(engine.metrics.statesRebuilt, 1, what);
    saved.compare(engine);
  }
  if (fate !== 'sound') assert.match(saved.warnings.join('\n'), /damaged; it is built anew/);
  await engine.close();
  const again = await saved.open();
  saved.compare(again);
  assert.equal(again.metrics.statesRebuilt, 0, what);
  await again.close();
  return fate;
}

test('whatever bit is flipped, no value is wrong, and what was damaged is built anew', async () => {
  const fates = { sound: 0, found: 0, told: 0 };
  for (let seed = 1; seed <= 60; seed++) {
    const saved = new Saved(seed);
    await saved.fill();
    const path = saved.random.pick(saved.files(seed % 3 === 0 ? 'index-' : 'rows-'));
    const offset = saved.random.below(saved.disk.size(path));
    saved.disk.corrupt(path, offset, saved.random.below(8));
    fates[await expectRightValues(saved, `seed ${seed}: ${path} at ${offset}`)] += 1;
  }
  // A bit in a row that is dead, or in the newest frame of the index, does no harm.
  for (const [fate, count] of Object.entries(fates)) assert.ok(count > 0, `never ${fate}`);
});

test('files that are cut short or gone are found at the start', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const saved = new Saved(seed);
    await saved.fill();
    const path = saved.random.pick(saved.files(seed % 2 === 0 ? 'index-' : 'rows-'));
    if (seed % 3 === 0) saved.disk.remove(path);
    else saved.disk.truncate(path, saved.random.below(saved.disk.size(path)));
    await expectRightValues(saved, `seed ${seed}: ${path}`);
  }
});

test('what cannot be built anew is refused, with what to do', async () => {
  const saved = new Saved(3);
  await saved.fill();
  saved.firstCommit = 40;
  for (const path of saved.files('index-')) saved.disk.corrupt(path, 20);
  await assert.rejects(saved.open(), { code: 'corrupt_state', remedy: /archive|copy/ });
});
