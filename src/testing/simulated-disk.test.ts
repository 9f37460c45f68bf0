import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import { CrashError } from './memory-disk.ts';
import { type DiskOperation, SimulatedDisk } from './simulated-disk.ts';
import { Life, SimulatedClock, SimulatedTime } from './simulated-time.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const shown = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

class World {
  readonly time: SimulatedTime;
  readonly disk: SimulatedDisk;
  readonly life = new Life();
  failing: { operation: DiskOperation; fault: 'io' | 'full' | 'crash' } | null = null;

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.time = new SimulatedTime(random, 0);
    const next = (operation: DiskOperation) => {
      return this.failing?.operation === operation ? this.failing.fault : ('none' as const);
    };
    this.disk = new SimulatedDisk({
      random,
      time: this.time,
      faults: { next, syncMs: () => 5 },
    });
  }

  async drive(work: Promise<unknown>): Promise<void> {
    let isDone = false;
    const end = (): void => {
      isDone = true;
    };
    work.then(end, end);
    await this.time.run(() => isDone);
  }
}

test('what is synced, with its name, survives; the rest survives in some way or not', async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World(seed);
    const { disk } = world;
    const mounted = disk.mount(world.life);
    mounted.makeFolder('a');
    const file = mounted.openAppend('a/x');
    file.append(text('kept'));
    await world.drive(file.sync());
    mounted.syncFolder('a');
    file.append(text('-more'));
    mounted.openAppend('a/y').append(text('new'));
    disk.losePower();
    const after = disk.mount(new Life());
    assert.ok(shown(after.read('a/x')).startsWith('kept'));
    found.add(shown(after.read('a/x')));
    found.add(after.exists('a/y') ? 'y' : 'no y');
  }
  for (const what of ['kept', 'kept-more', 'y', 'no y']) assert.ok(found.has(what), what);
  assert.ok(found.size > 6, 'torn ones too');
});

test('after a sync that failed the next one succeeds, and the data is there or not', async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World(seed);
    const mounted = world.disk.mount(world.life);
    const file = mounted.openAppend('x');
    file.append(text('data'));
    world.failing = { operation: 'sync', fault: 'io' };
    const first = file.sync();
    await world.drive(first);
    await assert.rejects(first, { code: 'disk_failed' });
    world.failing = null;
    await world.drive(file.sync());
    found.add(shown(mounted.read('x')) === 'data' ? 'shown' : 'not shown');
    world.disk.losePower();
    if (world.disk.files.has('x')) {
      found.add(shown(world.disk.mount(new Life()).read('x')) === 'data' ? 'kept' : 'gone');
    }
  }
  assert.deepEqual([...found].sort(), ['gone', 'kept', 'not shown', 'shown']);
});

test('a crash ends the process; nothing that waits in it goes on, and its disk is closed to it', async () => {
  const world = new World(1);
  const mounted = world.disk.mount(world.life);
  const file = mounted.openAppend('x');
  let woke = false;
  void world.time.wait(1, world.life).then(() => {
    woke = true;
  });
  world.failing = { operation: 'append', fault: 'crash' };
  assert.throws(() => file.append(text('data')), CrashError);
  assert.equal(world.life.isOver, true);
  assert.throws(() => mounted.exists('x'), CrashError);
  assert.equal(await world.time.run(() => woke), false);
});

test('time leaps to what is due next, in any order among equals; clocks can be wrong', async () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const time = new SimulatedTime(seededRandom(seed), 1_000);
    const life = new Life();
    let order = '';
    for (const name of ['a', 'b', 'c']) {
      time.after(3_600_000, life, () => {
        order += name;
      });
    }
    time.after(7_200_000, life, () => {
      order += '.';
    });
    assert.equal(await time.run(() => order.endsWith('.')), true);
    assert.equal(time.elapsedMs, 7_200_000);
    orders.add(order);
  }
  assert.equal(orders.size, 6);
  const clock = new SimulatedClock(new SimulatedTime(seededRandom(1), 10_000));
  clock.jump(-3_000);
  assert.equal(clock.nowMs(), 7_000);
});
