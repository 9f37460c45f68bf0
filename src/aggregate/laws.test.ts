import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { kernelInput, type ModelEvent, modelEvent } from './model-events.test.ts';
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

/** One row of its own table: a partial aggregate over all accumulators and types at once. */
class Partial {
  readonly windows: readonly WindowSpec[];
  readonly table: TileTable;
  readonly row: number;

  constructor(windows: readonly WindowSpec[]) {
    this.windows = windows;
    this.table = new TileTable(modelSpec(windows).spec);
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
    const copy = new Partial(this.windows);
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

function someEvents(random: Random, count: number, partition = random.below(3)): ModelEvent[] {
  return Array.from({ length: count }, (_, i) =>
    modelEvent(random, {
      key: 0,
      timeMs: START_MS + random.below(SPAN_MS),
      partition,
      offset: i,
      wideShare: 0.1,
    }),
  );
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

function forSeeds(law: (random: Random, windows: readonly WindowSpec[]) => void): void {
  fc.assert(
    fc.property(fc.integer(), fc.boolean(), (seed, mixed) => {
      law(seededRandom(seed), mixed ? MIXED : [LIFETIME]);
    }),
    { numRuns: 60 },
  );
}

test('merging the empty partial, from either side, changes nothing', () => {
  forSeeds((random, windows) => {
    const a = new Partial(windows).add(someEvents(random, random.below(30)));
    assert.deepEqual(a.copy().merge(new Partial(windows)).bytes(), a.bytes());
    assert.deepEqual(new Partial(windows).merge(a).bytes(), a.bytes());
  });
});

test('merge is commutative and associative', () => {
  forSeeds((random, windows) => {
    const [a, b, c] = [0, 1, 2].map((partition) =>
      new Partial(windows).add(someEvents(random, random.below(30), partition)),
    ) as [Partial, Partial, Partial];
    assert.deepEqual(a.copy().merge(b).bytes(), b.copy().merge(a).bytes());
    const left = a.copy().merge(b).merge(c);
    const right = a.copy().merge(b.copy().merge(c));
    assert.deepEqual(left.bytes(), right.bytes());
  });
});

test('any split, order, merge tree and compaction of the same events gives the same bytes', () => {
  forSeeds((random, windows) => {
    const events = [0, 1, 2].flatMap((partition) => someEvents(random, 40, partition));
    const nowMs = START_MS + random.below(2 * SPAN_MS);
    const whole = new Partial(windows).add(events);
    whole.table.advanceTo(nowMs);

    const parts = [0, 1, 2, 3, 4].map(() => new Partial(windows));
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
  forSeeds((random, windows) => {
    const a = new Partial(windows).add(someEvents(random, random.below(60)));
    a.table.advanceTo(START_MS + random.below(SPAN_MS));
    const bytes = a.bytes();
    const reader = new ByteReader(bytes);
    const b = new Partial(windows);
    b.table.advanceTo(a.table.nowMs);
    b.table.decodeRow(b.row, reader);
    assert.equal(reader.remaining, 0);
    assert.deepEqual(b.bytes(), bytes);
  });
});

test('strings are given back when their tiles merge, expire or are freed', () => {
  forSeeds((random, windows) => {
    const a = new Partial(windows).add(someEvents(random, 60));
    a.table.advanceTo(START_MS + SPAN_MS);
    a.table.compactRow(a.row);
    const { tiles, counters } = a.table.stats();
    assert.ok(windows.length === 1 || counters.merged > 0);
    assert.ok(a.table.slots.texts.size <= tiles * 4, 'min, max, first and last of one lane');
    a.table.freeRow(a.row);
    assert.equal(a.table.slots.texts.size, 0);
    assert.equal(a.table.stats().tiles, 0);
  });
});
