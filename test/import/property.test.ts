import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { BulkStart } from '../../src/ingest/bulk-door.ts';
import { MemoryDisk } from '../../src/testing/memory-disk.ts';
import { MINUTE, planOf, type TrueEvent, World } from './world.ts';

const PEOPLE = ['ann', 'bob', 'cy'];
const START_MS = Date.UTC(2024, 0, 1);

/** What happened, in order of arrival; event times differ, so that no position breaks a tie. */
function happened(random: Random): TrueEvent[] {
  let atMs = START_MS;
  // Densely, sessions go on for long, though parts of them that come live are over soon.
  const gaps = random.pick([
    [3 * MINUTE, 8 * MINUTE, 12 * MINUTE],
    [MINUTE, 5 * MINUTE, 9 * MINUTE, 19 * MINUTE, 21 * MINUTE, 2e7],
  ]);
  const people = PEOPLE.slice(0, random.pick([1, 3]));
  const events = Array.from({ length: 20 + random.below(60) }, (_, i): TrueEvent => {
    atMs += 1 + random.pick(gaps);
    const lateMs = random.pick([0, 0, 1, MINUTE, 9 * MINUTE, 10 * MINUTE]);
    const who = random.pick(people);
    return { id: `e${i}`, who, amount: random.below(12), atMs, arrivalMs: atMs + lateMs };
  });
  return events.sort((a, b) => a.arrivalMs - b.arrivalMs || a.atMs - b.atMs);
}

/** The sender's half of an import: what it leaves out, and how it cuts the rest into chunks. */
class Sender {
  readonly #random: Random;
  readonly #rows: readonly TrueEvent[];
  readonly #sizes: readonly number[];
  readonly #withIds: boolean;
  #start: BulkStart | null = null;
  #known: ReadonlySet<string> = new Set();
  #cutMs: number | null = null;
  isDone = false;

  constructor(random: Random, rows: readonly TrueEvent[], withIds: boolean) {
    this.#random = random;
    this.#rows = rows;
    this.#withIds = withIds;
    const sizes: number[] = [];
    for (let left = rows.length; left > 0; left -= sizes.at(-1) ?? left) {
      sizes.push(1 + random.below(Math.min(left, 12)));
    }
    this.#sizes = sizes;
  }

  forget(): void {
    this.#start = null;
  }

  async #begin(world: World): Promise<BulkStart> {
    const start = await world.bulk.start('clicks', 'run');
    const events = world.events();
    this.#known = new Set(events.map(({ values }) => String(values.id)));
    const firstMs = events.reduce((least, one) => Math.min(least, one.arrivalTimeMs), Infinity);
    const known = Number.isFinite(firstMs) ? firstMs : null;
    const liveFromMs = start.liveFromMs === undefined ? known : start.liveFromMs;
    const cutMs = this.#withIds ? null : (liveFromMs ?? start.nowMs);
    this.#cutMs = start.cutMs === undefined ? cutMs : start.cutMs;
    this.#start = { ...start, liveFromMs };
    return this.#start;
  }

  async step(world: World): Promise<void> {
    const start = this.#start ?? (await this.#begin(world));
    const taken = await world.bulk.taken('clicks', 'run');
    if (taken === this.#sizes.length) {
      await world.bulk.finish('clicks', 'run');
      this.isDone = true;
      return;
    }
    // Now and then the answer was lost, and the chunk comes again.
    const chunk = this.#random.below(4) === 0 ? Math.max(1, taken) : taken + 1;
    const first = this.#sizes.slice(0, chunk - 1).reduce((sum, size) => sum + size, 0);
    const all = this.#rows.slice(first, first + (this.#sizes[chunk - 1] ?? 0));
    const rows = all.filter(({ id, arrivalMs }) => {
      return this.#withIds ? !this.#known.has(id) : arrivalMs < (this.#cutMs ?? Infinity);
    });
    const left = { left: all.length - rows.length };
    const { session, liveFromMs = null } = start;
    const known = { session, left, cutMs: this.#cutMs, liveFromMs };
    const body = world.bodyOf(rows);
    await world.bulk
      .take({ source: 'clicks', run: 'run', chunk, body, import: known })
      .catch((error: unknown) => {
        assert.ok(error instanceof AsofError && error.code === 'session_ended', String(error));
        this.forget();
      });
  }
}

const facts = (rows: readonly (readonly unknown[])[]): string[] =>
  rows.map((row) => JSON.stringify(row)).sort();

/** How often an engine was opened for an import. */
let reopened = 0;

async function run(seed: number, withIds: boolean): Promise<void> {
  const random = seededRandom(seed);
  const all = happened(random);
  const cut = random.below(all.length + 1);
  const exportAt = cut + random.below(all.length - cut + 1);
  // With ids, the history may have what never came live, and what came live as well.
  const missed = new Set(all.filter((_, i) => withIds && i < exportAt && random.below(3) > 0));
  const live = all.filter((event, i) => i >= cut && !missed.has(event));
  const history = all.slice(0, exportAt);
  const clock = new ManualClock(START_MS);
  let world = await World.open(planOf(withIds), new MemoryDisk(random), clock, random);
  let pushed = 0;
  const pushNext = async (): Promise<void> => {
    const event = live[pushed];
    pushed += 1;
    if (event !== undefined) await world.pushLive(event);
  };
  // The history is exported once all of it has arrived.
  const exportedMs = (history.at(-1)?.arrivalMs ?? START_MS) + 1;
  while ((live[pushed]?.arrivalMs ?? exportedMs) < exportedMs) await pushNext();
  clock.advanceTo(exportedMs);
  const sender = new Sender(random, history, withIds);
  while (!sender.isDone || pushed < live.length) {
    const dice = random.below(10);
    if (dice === 0) {
      world = await world.crash();
    } else if (dice === 1) sender.forget();
    else if (dice === 2) await world.engine.checkpoint();
    else if (dice < 5 && pushed < live.length) await pushNext();
    else if (!sender.isDone) await sender.step(world);
    world.check(PEOPLE);
  }
  reopened += world.reopened;
  const found = world
    .events()
    .map(({ values, eventTimeMs, arrivalTimeMs }) => [
      values.id,
      values.who,
      values.amount,
      eventTimeMs,
      arrivalTimeMs,
    ]);
  const wanted = all.map(({ id, who, amount, atMs, arrivalMs }) => [
    id,
    who,
    amount,
    atMs,
    arrivalMs,
  ]);
  assert.deepEqual(facts(found), facts(wanted), 'all that happened is known, once, as it arrived');
  const { totals } = await world.bulk.start('clicks', 'run');
  assert.equal(totals.read, history.length, 'every row was counted');
  await world.engine.abandon();
}

for (const withIds of [true, false]) {
  test(`a history cut anywhere, with live events beside it, is as if all had come live: ${withIds ? 'ids' : 'no ids'}`, async () => {
    const seeds = fc.integer({ min: 0, max: 2 ** 30 });
    await fc.assert(
      fc.asyncProperty(seeds, (seed) => run(seed, withIds)),
      { numRuns: 25 },
    );
    assert.ok(reopened > 0, 'some import came after sessions could have been let go of');
  });
}
