import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { compileFinish } from './finish.ts';
import {
  eventOrRetraction,
  kernelInput,
  MEASURES,
  type ModelEvent,
  modelEvent,
  oracleRows,
} from './model-events.test.ts';
import { type ModelFeature, modelSpec } from './model-features.test.ts';
import { oracleAggregate } from './oracle.ts';
import { TileTable } from './tile-table.ts';
import { type WindowSpec, windowRange } from './window.ts';

const START_MS = 1_700_000_000_000;
const KEYS = 4;
const FEATURE_TURNS = 5;

/** What the runs of all seeds have gone through, so that no path is green by never being taken. */
const seen = { appended: 0, inserted: 0, merged: 0, dropped: 0, moved: 0, freed: 0, wide: 0 };

/** A table with the events that it must speak for, key by key. */
class Model {
  readonly table: TileTable;
  readonly features: readonly ModelFeature[];
  readonly windows: readonly WindowSpec[];
  readonly rows = new Map<number, number>();
  readonly events = new Map<number, ModelEvent[]>();
  /** Events that can still be taken back. */
  readonly live: ModelEvent[] = [];
  readonly retractable: boolean;
  looks = 0;

  constructor(windows: readonly WindowSpec[], retractable: boolean) {
    const { spec, features } = modelSpec(windows, { retractable });
    this.retractable = retractable;
    this.windows = windows;
    this.features = features;
    this.table = new TileTable(spec);
  }

  row(key: number): number {
    const row = this.rows.get(key) ?? this.table.createRow();
    this.rows.set(key, row);
    return row;
  }

  add(events: readonly ModelEvent[], partition: number, firstOffset: number): void {
    const input = kernelInput(events, partition, firstOffset);
    const rows = Int32Array.from(events, (event) => (event.key < 0 ? -1 : this.row(event.key)));
    this.table.add(input, rows);
    for (const event of events) this.remember(event);
  }

  remember(event: ModelEvent): void {
    if (event.key < 0) return;
    const kept = this.events.get(event.key) ?? [];
    kept.push(event);
    this.events.set(event.key, kept);
  }

  forget(key: number): void {
    this.table.freeRow(this.row(key));
    this.rows.delete(key);
    this.events.delete(key);
    for (const event of this.live.splice(0)) if (event.key !== key) this.live.push(event);
  }

  check(timeMs: number, context: string): void {
    for (let key = 0; key <= KEYS; key++) {
      this.table.query(this.rows.get(key) ?? -1, timeMs);
      this.checkKey(key, timeMs, this.windows.keys(), context);
    }
  }

  checkKey(key: number, timeMs: number, windows: Iterable<number>, context: string): void {
    const events = this.events.get(key) ?? [];
    for (const window of windows) {
      // The oracle is slow, so each look takes other features than the one before.
      this.looks += 1;
      const turn = this.looks % FEATURE_TURNS;
      for (const feature of this.features.filter((_, i) => i % FEATURE_TURNS === turn)) {
        const { fn, measure } = feature;
        const spec = this.windows[window] as WindowSpec;
        const actual = compileFinish({ ...feature, window }, this.table)();
        const { retractable } = this;
        const type = MEASURES[measure].type;
        const inputs = { ...feature, window: spec, type, retractable };
        const expected = oracleAggregate(oracleRows(events, measure), inputs, timeMs);
        const name = `${context}: ${fn}(${measure}) of key ${key} over ${JSON.stringify(spec)}`;
        assert.ok(
          isDeepStrictEqual(actual, expected),
          `${name} at ${timeMs}: ${shown(actual)}, not ${shown(expected)}`,
        );
      }
    }
  }
}

function shown(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

function randomWindow(random: Random): WindowSpec {
  const hopMs = random.pick([1, 5, 10, 60, 250]);
  const sizeMs = hopMs * (1 + random.below(40)) + random.below(2) * random.below(50);
  const complete = random.below(3) === 0;
  switch (random.below(4)) {
    case 0:
      return { kind: 'sliding', sizeMs, hopMs: 1, exact: true, complete: false };
    case 1:
      return { kind: 'sliding', sizeMs, hopMs, exact: false, complete };
    case 2: {
      const offsetMs = random.pick([0, 0, 7, -60, 1_005]);
      return { kind: 'tumbling', sizeMs: random.pick([20, 100, 700]), offsetMs, complete };
    }
    default:
      return { kind: 'lifetime', hopMs, complete };
  }
}

/** Times at which something can change: now, soon, and around every bound of every window. */
function queryTimes(model: Model, nowMs: number, random: Random): number[] {
  const times = [nowMs, nowMs + 1, nowMs + random.below(500)];
  const window = random.pick(model.windows);
  const event = random.pick(
    [...model.events.values()].flat().concat([{ timeMs: nowMs } as ModelEvent]),
  );
  // Move the window over the event: the times at which it leaves are near event time + size.
  const span = nowMs - windowRange(window, nowMs).startMs;
  for (const shift of [-1, 0, 1]) times.push(event.timeMs + Math.min(span, 1e6) + shift);
  return times.filter((timeMs) => timeMs >= nowMs);
}

function runProgram(seed: number, steps: number): void {
  const random = seededRandom(seed);
  const windows = Array.from({ length: 1 + random.below(5) }, () => randomWindow(random));
  const model = new Model(windows, random.below(2) === 0);
  const wideShare = random.pick([0, 0, 0.2]);
  let nowMs = START_MS;
  let offset = 0;
  for (let step = 0; step < steps; step++) {
    const count = 1 + random.below(random.pick([3, 40, 700]));
    const partition = random.below(3);
    const lateness = random.pick([0, 20, 3_000]);
    const events = Array.from({ length: count }, (_, i) => {
      nowMs += random.pick([0, 0, 1, 3, 40]);
      const timeMs = nowMs - (lateness > 0 ? random.below(lateness) : 0);
      const key = random.below(KEYS + 1) - 1;
      const place = { key, timeMs, partition, offset: offset + i, wideShare };
      return model.retractable
        ? eventOrRetraction(random, place, model.live)
        : modelEvent(random, place);
    });
    if (random.below(2) === 0) model.table.advanceTo(nowMs);
    model.add(events, partition, offset);
    offset += count;
    model.table.advanceTo(nowMs);
    if (random.below(6) === 0 && model.rows.size > 0) {
      model.forget(random.pick([...model.rows.keys()]));
      seen.freed++;
    }
    for (const timeMs of queryTimes(model, nowMs, random))
      model.check(timeMs, `seed ${seed}, step ${step}`);
    checkCopies(model, nowMs + random.below(100), random, `seed ${seed}, step ${step}`);
  }
  const { counters } = model.table.stats();
  for (const name of ['appended', 'inserted', 'merged', 'dropped', 'moved'] as const)
    seen[name] += counters[name];
  if (wideShare > 0) seen.wide++;
}

/** Codec round trip, compaction and subsets of windows give the same answers. */
function checkCopies(model: Model, timeMs: number, random: Random, context: string): void {
  const copy = new Model(model.windows, model.retractable);
  copy.table.advanceTo(model.table.nowMs);
  for (const [key, row] of model.rows) {
    if (random.below(2) === 0) model.table.compactRow(row);
    const writer = new ByteWriter();
    model.table.encodeRow(row, writer);
    const reader = new ByteReader(writer.bytes());
    copy.table.decodeRow(copy.row(key), reader);
    assert.equal(reader.remaining, 0);
    copy.events.set(key, model.events.get(key) ?? []);
    const again = new ByteWriter();
    copy.table.encodeRow(copy.row(key), again);
    assert.deepEqual(again.bytes(), writer.bytes(), 'an encoded row is canonical');
  }
  copy.check(timeMs, `${context}, decoded`);
  model.check(timeMs, `${context}, compacted`);
  const some = [...model.windows.keys()].filter(() => random.below(2) === 0);
  for (const [key, row] of model.rows) {
    model.table.query(row, timeMs, some);
    model.checkKey(key, timeMs, some, `${context}, some windows`);
  }
}

test('every window of every row is what the oracle says, whatever happens in between', () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 5 }), runProgram), {
    numRuns: 25,
  });
  for (const [path, times] of Object.entries(seen))
    assert.ok(times > 0, `${path} has been exercised`);
});
