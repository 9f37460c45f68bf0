import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { compileFinish, OVERFLOW } from './finish.ts';
import {
  eventOrRetraction,
  kernelInput,
  MEASURES,
  type ModelEvent,
  oracleRows,
} from './model-events.test.ts';
import { modelSpec } from './model-features.test.ts';
import { oracleAggregate } from './oracle.ts';
import { SessionTable } from './session-table.ts';

const START_MS = 1_700_000_000_000;
const GAP_MS = 50;
const KEYS = 3;
const FEATURE_TURNS = 7;

interface World {
  readonly retractable: boolean;
  readonly keep: number;
  readonly latenessMs: number;
}

/** What the runs of all seeds have gone through. */
const seen = { merged: 0, dropped: 0, freed: 0, lacking: 0, open: 0, closed: 0, late: 0 };

const windows = [{ kind: 'session', gapMs: GAP_MS }] as const;
const newTable = (world: World): SessionTable => new SessionTable(modelSpec(windows, world).spec);

function bytesOf(table: SessionTable, row: number): Uint8Array {
  const writer = new ByteWriter();
  table.encodeRow(row, writer);
  return writer.bytes();
}

function add(table: SessionTable, row: number, event: ModelEvent): void {
  table.add(kernelInput([event], event.partition, event.offset), Int32Array.of(row));
}

let looks = 0;

/** Some features of a row are what the oracle makes of its events. */
function check(
  table: SessionTable,
  row: number,
  world: World,
  events: readonly ModelEvent[],
  timeMs: number,
  context: string,
): void {
  table.query(row, timeMs);
  if (table.isLacking) seen.lacking++;
  looks++;
  const { features } = modelSpec(windows, world);
  for (const feature of features.filter((_, i) => i % FEATURE_TURNS === looks % FEATURE_TURNS)) {
    const actual = compileFinish({ ...feature, window: 0 }, table)();
    const type = MEASURES[feature.measure].type;
    const inputs = { ...feature, ...world, window: windows[0], type };
    const expected = oracleAggregate(oracleRows(events, feature.measure), inputs, timeMs);
    if (expected === undefined) seen.closed++;
    else if (expected !== OVERFLOW) seen.open++;
    assert.ok(
      isDeepStrictEqual(actual, expected),
      `${context}: ${feature.fn}(${feature.measure}) at ${timeMs}: ${inspect(actual)}, not ${inspect(expected)}`,
    );
  }
}

function randomWorld(random: Random): World {
  return {
    retractable: random.below(2) === 0,
    keep: random.pick([1, 3, 6, 40]),
    latenessMs: random.pick([0, 30, 400]),
  };
}

/** Events in the order of their arrival, late ones within what is allowed; state goes as it may. */
function runProgram(seed: number): void {
  const random = seededRandom(seed);
  const world = randomWorld(random);
  const table = newTable(world);
  const rows = new Map<number, number>();
  const live: ModelEvent[] = [];
  const events: ModelEvent[] = [];
  // Where nothing breaks a chain for long, it outlives the reach of its first events.
  const pace = random.pick([
    [0, 1, 7, 15],
    [0, 0, 1, 7, GAP_MS, GAP_MS + 1, 200],
  ]);
  let nowMs = START_MS;
  let offset = 0;
  for (let step = 0; step < 25; step++) {
    const batch: ModelEvent[] = [];
    for (let count = 1 + random.below(random.pick([2, 30])); count > 0; count--) {
      nowMs += random.below(60) === 0 ? 300 : random.pick(pace);
      const timeMs = nowMs - (random.below(2) === 0 ? random.below(world.latenessMs + 1) : 0);
      if (timeMs < nowMs - GAP_MS) seen.late++;
      const place = { key: random.below(KEYS), timeMs, partition: 1, offset, wideShare: 0.1 };
      const event = eventOrRetraction(random, place, world.retractable ? live : []);
      batch.push(event);
      offset++;
    }
    for (const { key } of batch) if (!rows.has(key)) rows.set(key, table.createRow());
    const rowsOf = Int32Array.from(batch, ({ key }) => rows.get(key) as number);
    const input = kernelInput(batch, 1, offset - batch.length);
    table.add({ ...input, settledMs: nowMs }, rowsOf);
    events.push(...batch);
    table.advanceTo(nowMs);
    const laterMs = nowMs + random.pick([0, 0, 1, GAP_MS, GAP_MS + 1]);
    for (let key = 0; key < KEYS; key++) {
      const own = events.filter((event) => event.key === key);
      const row = rows.get(key) ?? -1;
      const context = `seed ${seed}, step ${step}, key ${key}, ${inspect(world)}`;
      for (const timeMs of [nowMs, laterMs]) check(table, row, world, own, timeMs, context);
      if (row < 0) continue;
      holds(table, row, nowMs);
      if (random.below(3) === 0) throughBytes(table, row);
      if (table.isExpired(row)) {
        table.freeRow(row);
        rows.delete(key);
        seen.freed++;
      }
    }
  }
  const { counters } = table.stats();
  seen.merged += counters.merged;
  seen.dropped += counters.dropped;
}

/** Until the time that is told the session is the same, and then it is over. */
function holds(table: SessionTable, row: number, timeMs: number): void {
  const stateAt = (ms: number): unknown => {
    table.query(row, ms);
    table.fold(0);
    return [table.isLacking, table.partials[table.partialAt(0, 0)]];
  };
  const untilMs = table.holdsUntilMs(row, timeMs);
  assert.ok(untilMs > timeMs);
  const now = stateAt(timeMs);
  if (untilMs === Number.POSITIVE_INFINITY) {
    assert.deepEqual(stateAt(timeMs + 1e9), now);
    return;
  }
  assert.deepEqual(stateAt(untilMs - 1), now);
  assert.deepEqual(stateAt(untilMs), [false, 0]);
}

function throughBytes(table: SessionTable, row: number): void {
  const bytes = bytesOf(table, row);
  const reader = new ByteReader(bytes);
  table.decodeRow(row, reader);
  assert.equal(reader.remaining, 0);
  assert.deepEqual(bytesOf(table, row), bytes, 'an encoded row is canonical');
}

test('sessions of every key are what the oracle says, while old state goes', () => {
  fc.assert(fc.property(fc.integer(), runProgram), { numRuns: 40 });
  for (const [path, times] of Object.entries(seen)) {
    assert.ok(times > 0, `${path} has been exercised`);
  }
});

function someEvents(random: Random, world: World): ModelEvent[] {
  const live: ModelEvent[] = [];
  let timeMs = START_MS;
  return Array.from({ length: 10 + random.below(40) }, (_, offset) => {
    timeMs += random.pick([0, 1, GAP_MS, GAP_MS + 1, 20]);
    const place = { key: 0, timeMs, partition: 0, offset, wideShare: 0.1 };
    return eventOrRetraction(random, place, world.retractable ? live : []);
  });
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

test('any split, order and merge tree of the same events gives the same bytes and values', () => {
  const law = (seed: number): void => {
    const random = seededRandom(seed);
    const world = randomWorld(random);
    const events = someEvents(random, world);
    const parts = [0, 1, 2, 3].map(() => newTable(world));
    for (const part of parts) part.createRow();
    for (const event of shuffled(random, events)) {
      const part = random.pick(parts);
      add(part, 0, event);
      if (random.below(8) === 0) part.compactRow(0);
      if (random.below(8) === 0) throughBytes(part, 0);
    }
    while (parts.length > 1) {
      const into = parts.splice(random.below(parts.length), 1)[0] as SessionTable;
      const from = parts.splice(random.below(parts.length), 1)[0] as SessionTable;
      into.mergeRow(0, from, 0);
      parts.push(into);
    }
    const merged = parts[0] as SessionTable;
    const whole = newTable(world);
    whole.createRow();
    for (const event of events) add(whole, 0, event);
    assert.deepEqual(bytesOf(merged, 0), bytesOf(whole, 0));
    const newestMs = Math.max(...events.map(({ timeMs }) => timeMs));
    for (const laterMs of [0, GAP_MS, GAP_MS + 1]) {
      check(merged, 0, world, events, newestMs + laterMs, `seed ${seed}, ${inspect(world)}`);
    }
    const empty = newTable(world);
    empty.createRow();
    empty.mergeRow(0, merged, 0);
    assert.deepEqual(bytesOf(empty, 0), bytesOf(whole, 0), 'the empty row is the identity');
    for (const table of [merged, whole, empty]) {
      table.freeRow(0);
      const { strings, sets, tiles } = table.stats();
      assert.deepEqual({ strings, sets, tiles }, { strings: 0, sets: 0, tiles: 0 });
    }
  };
  fc.assert(fc.property(fc.integer(), law), { numRuns: 80 });
});

test('one late event joins two sessions, and one beyond the gap joins none', () => {
  const table = new SessionTable({
    windows,
    accumulators: [{ fn: 'count', lane: 0, type: { kind: 'int64' } }],
    latenessMs: 1_000,
  });
  const row = table.createRow();
  const countAt = (timeMs: number): unknown => {
    table.query(row, timeMs);
    const type = { kind: 'int64' } as const;
    return compileFinish({ fn: 'count', window: 0, parts: { count: 0 }, scale: 0, type }, table)();
  };
  const event = (timeMs: number): void => {
    const pass = Uint8Array.of(1);
    const lane = { kind: 'number', values: Float64Array.of(1), wide: null, pass } as const;
    const eventTimeMs = Float64Array.of(timeMs);
    const place = { count: 1, partition: 0, firstOffset: 0 };
    const input = { ...place, eventTimeMs, arrivalTimeMs: eventTimeMs, lanes: [lane] };
    table.add(input, Int32Array.of(row));
  };
  event(1_000);
  event(1_000 + 2 * GAP_MS);
  assert.equal(countAt(1_100), 1);
  event(1_000 + GAP_MS);
  assert.equal(countAt(1_100), 3, 'each is exactly the gap from the next');
  assert.equal(table.stats().tiles, 1);
  event(1_100 + GAP_MS + 1);
  assert.equal(countAt(1_151), 1, 'one millisecond more is another session');
  assert.equal(countAt(1_151 + GAP_MS), 1);
  assert.equal(countAt(1_151 + GAP_MS + 1), undefined, 'the newest event is too old');
});
