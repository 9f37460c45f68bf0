import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../base/limits.ts';
import { seededRandom } from '../base/random.ts';
import { MemoryTileStore } from '../store/memory-tile-store.ts';
import type { SplitKeys } from '../store/split-keys.ts';
import { HotKeys } from './hot-keys.ts';
import { SPLIT_BY_SHARE } from './split-rule.ts';

const SPEC = {
  accumulators: [{ fn: 'count', lane: 0, type: { kind: 'int64' } }],
  windows: [{ kind: 'lifetime', hopMs: 1000, complete: false }],
} as const;

/** One group with many keys, and events that fall on the key 'hot' by some share. */
class World {
  readonly store = new MemoryTileStore();
  readonly splits: SplitKeys;
  readonly hotKeys: HotKeys;
  readonly hot: number;
  readonly #ids: number[];
  readonly #random = seededRandom(3);

  constructor() {
    const group = this.store.addGroup('g', SPEC, 'user');
    const splits = this.store.splitsOf('g');
    assert.ok(splits !== null);
    this.splits = splits;
    this.hotKeys = new HotKeys(group.keys, [splits], SPLIT_BY_SHARE);
    this.hot = this.key('hot');
    this.#ids = Array.from({ length: 1_000 }, (_, i) => this.key(`key ${i}`));
  }

  key(text: string): number {
    const group = this.store.group('g');
    const id = group.keys.add(text);
    group.coverIds(id + 1);
    group.create(id);
    return id;
  }

  run(share: number, isSaving = false, events = 600_000): void {
    const ids = new Int32Array(1_000);
    for (let done = 0; done < events; done += ids.length) {
      for (let i = 0; i < ids.length; i++) {
        ids[i] = this.#random.next() < share ? this.hot : this.#random.pick(this.#ids);
      }
      this.hotKeys.observe(ids, ids.length);
      this.hotKeys.balance(isSaving);
    }
  }

  get isSplit(): boolean {
    return this.splits.has(this.hot);
  }
}

test('a key is split above one share and merged back below another, and not in between', () => {
  const world = new World();
  const between = (LIMITS.hotKeySplitShare + LIMITS.hotKeyMergeShare) / 2;
  world.run(between);
  assert.ok(!world.isSplit, 'not hot enough');
  world.run(LIMITS.hotKeySplitShare * 1.5);
  assert.ok(world.isSplit);
  world.run(between);
  assert.ok(world.isSplit, 'still hot enough');
  world.run(LIMITS.hotKeyMergeShare / 4, true);
  assert.ok(world.isSplit, 'a checkpoint is being taken');
  world.run(LIMITS.hotKeyMergeShare / 4);
  assert.ok(!world.isSplit);
  assert.deepEqual(
    { splits: world.hotKeys.splits, merges: world.hotKeys.merges },
    { splits: 1, merges: 1 },
  );
});

test('few events split nothing, and the hottest keys are named with bounds of their share', () => {
  const world = new World();
  world.run(0.9, false, 1_000);
  assert.ok(!world.isSplit);
  assert.deepEqual(world.hotKeys.hottest(), []);
  world.run(0.4);
  const [first, second] = world.hotKeys.hottest();
  assert.equal(first?.key, 'hot');
  assert.ok(first.isSplit && first.atLeast > 0.35 && first.atLeast <= 0.42 && first.atMost >= 0.38);
  assert.equal(second, undefined, 'no other key has a share worth naming');
});

test('a number that is given to another key takes no share with it', () => {
  const world = new World();
  world.run(0.1);
  const group = world.store.group('g');
  group.remove(group.find('hot'));
  assert.equal(world.key('another'), world.hot);
  assert.deepEqual(world.hotKeys.hottest(), []);
});

test('sessions are never split', () => {
  const store = new MemoryTileStore();
  const windows = [{ kind: 'session', gapMs: 10 }] as const;
  const group = store.addGroup('s', { ...SPEC, windows, latenessMs: 10 }, 'user');
  assert.equal(store.splitsOf('s'), null);
  assert.equal(group.origins, null);
});
