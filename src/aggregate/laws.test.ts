import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { eventOrRetraction, kernelInput, type ModelEvent } from './model-events.test.ts';
import { modelSpec } from './model-features.test.ts';
import { TileTable } from './tile-table.ts';
import type { WindowSpec } from './window.ts';

const START_MS = 1_700_000_000_000;
const SPAN_MS = 50_000;

const LIFETIME: WindowSpec = { kind: 'lifetime', hopMs: 1, complete: false };
const MIXED: readonly WindowSpec[] = [
  { kind: 'sliding', sizeMs: 3_000, hopMs: 50, exact: false, complete: false },
  { kind: 'tumbling', sizeMs: 10_000, offsetMs: 250, complete: true },
  { kind: 'sliding', sizeMs: 30_000, hopMs: 500, exact: false, complete: true },
];

interface World {
  readonly windows: readonly WindowSpec[];
  readonly retractable: boolean;
}

/** One row of its own table: a partial aggregate over all accumulators and types at once. */
class Partial {
  readonly world: World;
  readonly table: TileTable;
  readonly row: number;

  constructor(world: World) {
    this.world = world;
    this.table = new TileTable(modelSpec(world.windows, world).spec);
    this.row = this.table.createRow();
  }

  add(events: readonly ModelEvent[]): this {
    // Offsets within a batch are dense, so events in any order go in one by one.
    for (const event of events) {
      const input = kernelInput([event], event.partition, event.offset);
      this.table.add(input, new Int32Array([this.row]));
    }
    return this;
  }

  merge(other: Partial): this {
    this.table.mergeRow(this.row, other.table, other.row);
    return this;
  }

  copy(): Partial {
    const copy = new Partial(this.world);
    copy.table.advanceTo(this.table.nowMs);
    copy.table.decodeRow(copy.row, new ByteReader(this.bytes()));
    return copy;
  }

  bytes(): Uint8Array {
    const writer = new ByteWriter();
    this.table.encodeRow(this.row, writer);
    return writer.bytes();
  }
}

function someEvents(
  random: Random,
  { retractable }: World,
  count: number,
  partition = random.below(3),
): ModelEvent[] {
  const live: ModelEvent[] = [];
  return Array.from({ length: count }, (_, offset) => {
    const timeMs = START_MS + random.below(SPAN_MS);
    const place = { key: 0, timeMs, partition, offset, wideShare: 0.1 };
    return eventOrRetraction(random, place, retractable ? live : []);
  });
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

function forSeeds(law: (random: Random, world: World) => void): void {
  fc.assert(
    fc.property(fc.integer(), fc.boolean(), fc.boolean(), (seed, mixed, retractable) => {
      law(seededRandom(seed), { windows: mixed ? MIXED : [LIFETIME], retractable });
    }),
    { numRuns: 60 },
  );
}

test('merging the empty partial, from either side, changes nothing', () => {
  forSeeds((random, world) => {
    const a = new Partial(world).add(someEvents(random, world, random.below(30)));
    assert.deepEqual(a.copy().merge(new Partial(world)).bytes(), a.bytes());
    assert.deepEqual(new Partial(world).merge(a).bytes(), a.bytes());
  });
});

test('merge is commutative and associative', () => {
  forSeeds((random, world) => {
    const [a, b, c] = [0, 1, 2].map((partition) =>
      new Partial(world).add(someEvents(random, world, random.below(30), partition)),
    ) as [Partial, Partial, Partial];
    assert.deepEqual(a.copy().merge(b).bytes(), b.copy().merge(a).bytes());
    const left = a.copy().merge(b).merge(c);
    const right = a.copy().merge(b.copy().merge(c));
    assert.deepEqual(left.bytes(), right.bytes());
  });
});

test('any split, order, merge tree and compaction of the same events gives the same bytes', () => {
  forSeeds((random, world) => {
    const events = [0, 1, 2].flatMap((partition) => someEvents(random, world, 40, partition));
    const nowMs = START_MS + random.below(2 * SPAN_MS);
    const whole = new Partial(world).add(events);
    whole.table.advanceTo(nowMs);

    const parts = [0, 1, 2, 3, 4].map(() => new Partial(world));
    for (const event of shuffled(random, events)) {
      const part = random.pick(parts);
      part.add([event]);
      if (random.below(10) === 0)
        part.table.advanceTo(START_MS + random.below(nowMs - START_MS + 1));
      if (random.below(10) === 0) part.table.compactRow(part.row);
    }
    while (parts.length > 1) {
      const into = parts.splice(random.below(parts.length), 1)[0] as Partial;
      const from = parts.splice(random.below(parts.length), 1)[0] as Partial;
      parts.push(into.merge(random.below(2) === 0 ? from : from.copy()));
    }
    const merged = parts[0] as Partial;
    merged.table.advanceTo(nowMs);
    assert.deepEqual(merged.bytes(), whole.bytes());
  });
});

test('a row reads back from its bytes', () => {
  forSeeds((random, world) => {
    const a = new Partial(world).add(someEvents(random, world, random.below(60)));
    a.table.advanceTo(START_MS + random.below(SPAN_MS));
    const bytes = a.bytes();
    const reader = new ByteReader(bytes);
    const b = new Partial(world);
    b.table.advanceTo(a.table.nowMs);
    b.table.decodeRow(b.row, reader);
    assert.equal(reader.remaining, 0);
    assert.deepEqual(b.bytes(), bytes);
  });
});

test('strings and sets are given back when their tiles merge, expire or are freed', () => {
  let merged = 0;
  forSeeds((random, world) => {
    const a = new Partial(world).add(someEvents(random, world, 60));
    a.table.advanceTo(START_MS + SPAN_MS);
    a.table.compactRow(a.row);
    const { tiles, counters } = a.table.stats();
    merged += counters.merged;
    assert.ok(a.table.slots.texts.size <= tiles * 5, 'four ends of one lane, an attribute of one');
    assert.ok(a.table.slots.sets.size <= tiles * a.table.spec.accumulators.length);
    assert.ok(a.table.slots.sets.bytes > 0);
    a.table.freeRow(a.row);
    const { strings, sets } = a.table.stats();
    assert.deepEqual(
      { strings, sets, tiles: a.table.stats().tiles },
      { strings: 0, sets: 0, tiles: 0 },
    );
    assert.equal(a.table.slots.sets.bytes, 0, 'every byte of a set that is gone is given back');
  });
  assert.ok(merged > 0, 'tiles have been merged');
});
