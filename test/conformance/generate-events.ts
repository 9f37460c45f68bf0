import type { Random } from '../../src/base/random.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import { ChangeMemory, generateChange, type Row } from './generate-changes.ts';
import { DECLARED_ARRIVAL } from './generate-source.ts';

/** Rows pushed together, at one moment of the log's clock. */
export interface Push {
  readonly source: SourcePlan;
  readonly nowMs: number;
  /** null where a line is no JSON. */
  readonly rows: readonly object[] | null;
  /** The same rows as they travel, one JSON text each, with every digit. */
  readonly lines: readonly string[];
}

const START_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const SPANS_MS = [5_000, 50_000, 60_000, 600_000, 780_000, HOUR_MS, 3 * HOUR_MS] as const;

/** Among them texts that would collide if keys were joined with a separator. */
export const USERS = ['u1', 'u1', 'u2', 'ü😀', '1:1', '1', '11', ''] as const;
export const SHOPS = [1, 1, 2, -7, 9007199254740993n] as const;
export const STRINGS = [
  '',
  'a',
  'b',
  'B',
  'é',
  '😀',
  '\uffff',
  'zz',
  'a b',
  "it's",
  '1:1',
  '1',
] as const;

export const INTEGERS = [0, 1, -1, 2, 5, 17, 1000, -4096, 123_456_789] as const;
export const WIDE = [
  9007199254740991n,
  9007199254740993n,
  -9007199254740993n,
  9223372036854775807n,
  -9223372036854775808n,
  4611686018427387904n,
] as const;
export const FLOATS = [
  0, 0.1, 0.2, 0.00005, 0.00015, -2.5, 3.1415927001, 1e6, 123456.789, -0.3, -0,
] as const;

const PLACES = [
  [1, 2, 3],
  [0.1, -0, 1e30],
  [-7, 0, 0.5],
] as const;

const BROKEN = ['{"n":1', 'nonsense', '[1,2]', '7', 'null', '{"n":NaN}'] as const;

interface World {
  readonly source: SourcePlan;
  readonly nowMs: number;
  readonly stepMs: number;
  /** Whether integers beyond 2^53 come up. */
  readonly wild: boolean;
  /** Ids and their arrivals so far. */
  readonly seen: { readonly nr: number; readonly arrivalMs: number }[];
  readonly changes: ChangeMemory;
  /** Event times so far. */
  readonly times: number[];
}

/** Where pushes go on from: a time of the log's clock, and the number of the last event so far. */
export interface PushStart {
  readonly nowMs: number;
  readonly nr: number;
}

/** Random pushes in the order of the log's clock: in and out of order, late, double and broken. */
export function generatePushes(
  random: Random,
  sources: readonly SourcePlan[],
  start: PushStart | null = null,
): Push[] {
  const stepMs = random.pick([500, 20_000, 600_000, 3 * HOUR_MS]);
  const wild = random.below(3) === 0;
  const pushes: Push[] = [];
  let nowMs = start?.nowMs ?? START_MS + random.below(HOUR_MS);
  let nr = start?.nr ?? 0;
  const count = 3 + random.below(7);
  const seenBy = new Map(sources.map((source) => [source, [] as World['seen']]));
  const changesOf = new Map(sources.map((source) => [source, new ChangeMemory()]));
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const source = random.pick(sources);
    nowMs = nextMs(random, source, nowMs, stepMs, pushes);
    const seen = seenBy.get(source) ?? [];
    const changes = changesOf.get(source) ?? new ChangeMemory();
    const world = { source, nowMs, stepMs, wild, seen, changes, times };
    const rows = Array.from({ length: 1 + random.below(22) }, () => {
      nr += 1;
      return generateRow(random, world, nr);
    });
    const lines = rows.map(exactJson);
    const isBroken = random.below(10) === 0;
    // Never the first: a body that begins with a bracket is an array as a whole.
    if (isBroken) lines.splice(1 + random.below(lines.length), 0, random.pick(BROKEN));
    pushes.push({ source, nowMs, rows: isBroken ? null : rows, lines });
  }
  return pushes;
}

/** A step on; sometimes just as far as ids of an earlier push are remembered. */
function nextMs(
  random: Random,
  source: SourcePlan,
  nowMs: number,
  stepMs: number,
  pushes: readonly Push[],
): number {
  const before = pushes[random.below(pushes.length)];
  const horizons = [source.dedupeHorizonMs, source.changes?.horizonMs ?? Infinity];
  const horizonMs = random.pick(horizons.filter((ms) => ms <= HOUR_MS).concat(Infinity));
  if (before !== undefined && random.below(4) === 0 && horizonMs <= HOUR_MS) {
    const edgeMs = before.nowMs + horizonMs + random.below(2);
    if (edgeMs > nowMs) return edgeMs;
  }
  return nowMs + random.below(stepMs);
}

/** JSON in which a bigint is a bare number. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? JSON.rawJSON(String(part)) : part,
  );
}

function generateRow(random: Random, world: World, nr: number): object {
  const { source } = world;
  const changes = source.changes ?? null;
  if (changes !== null) {
    const fresh = (of: number): Row => eventRow(random, world, of, undefined);
    return generateChange(random, source, changes, world.changes, nr, fresh);
  }
  const again = random.below(8) === 0 ? world.seen[random.below(world.seen.length)] : undefined;
  return eventRow(random, world, again?.nr ?? nr, again);
}

/** The columns of an event; of one that repeats another, at a time of its own. */
function eventRow(
  random: Random,
  world: World,
  nr: number,
  again: World['seen'][number] | undefined,
): Row {
  const { source, nowMs, wild } = world;
  const maybe = <T>(values: readonly T[]): T | null =>
    random.below(6) === 0 ? null : random.pick(values);
  const arrivalMs = arrivalOf(random, world, again);
  world.seen.push({ nr, arrivalMs });
  const row: Row = {
    happened_at: happenedAt(random, world, arrivalMs),
    [DECLARED_ARRIVAL]: source.arrivalTime === null ? null : arrivalMs,
    event_id: idOf(random, source, nr),
    user: random.pick(USERS),
    shop: random.pick(SHOPS),
    n: maybe<number | bigint>(wild && random.below(3) === 0 ? WIDE : INTEGERS),
    m: maybe<number | bigint>(wild && random.below(8) === 0 ? WIDE : INTEGERS),
    d: random.below(6) === 0 ? null : decimalOf(random, source, wild),
    x: maybe(FLOATS),
    s: maybe(STRINGS),
    b: maybe([true, false]),
    due: maybe([nowMs, nowMs + 1, 0, -1, nowMs - HOUR_MS, '2023-11-14T22:13:20.5+01:00']),
  };
  if (source.columns.some(({ name }) => name === 'place')) row.place = maybe(PLACES);
  for (const key of ['user', 'shop', 'n', 's']) {
    if (random.below(40) === 0) delete row[key];
  }
  if (random.below(30) === 0) spoil(random, row);
  return row;
}

/** Mostly the log's own time; declared ones may lie before it, and a little after. */
function arrivalOf(
  random: Random,
  { source, nowMs, stepMs }: World,
  again: { readonly arrivalMs: number } | undefined,
): number {
  const pick = random.below(8);
  if (again !== undefined && pick > 3 && source.dedupeHorizonMs <= HOUR_MS) {
    return again.arrivalMs + source.dedupeHorizonMs + random.below(2);
  }
  if (pick < 2) return nowMs - random.below(stepMs);
  return pick === 2 ? nowMs + random.below(3) : nowMs;
}

/** Mostly prompt; sometimes late by up to twice what is allowed, or a little ahead of the clock. */
function happenedAt(random: Random, world: World, arrivalMs: number): number | string {
  const { source, stepMs, times } = world;
  const timeMs = arrivalMs - delayMs(random, source, stepMs);
  const pick = random.below(12);
  const before = times[times.length - 1 - random.below(Math.min(times.length, 12))];
  times.push(timeMs);
  if (pick === 5 && before !== undefined) {
    // As far from another event as sessions and exact windows reach, or a millisecond more.
    const aside = random.pick(SPANS_MS) + random.below(2);
    const pairedMs = random.below(2) === 0 ? before + aside : before - aside;
    times[times.length - 1] = pairedMs;
    return pairedMs <= arrivalMs ? pairedMs : timeMs;
  }
  // Where windows begin and end: full seconds, minutes and hours, and the millisecond before.
  if (pick < 2) return Math.floor(timeMs / 1000) * 1000 - random.below(2);
  if (pick === 2) return Math.floor(timeMs / 60_000) * 60_000 - random.below(2);
  if (pick === 3) return Math.floor(timeMs / HOUR_MS) * HOUR_MS - random.below(2);
  return pick === 4 ? new Date(timeMs).toISOString() : timeMs;
}

function delayMs(random: Random, source: SourcePlan, stepMs: number): number {
  const pick = random.below(12);
  if (pick === 0) return -random.below(2 * source.maxClockSkewMs);
  if (pick === 1) return random.below(2 * source.allowedLatenessMs);
  if (pick === 2) return source.allowedLatenessMs + random.below(2);
  if (pick === 3) return -source.maxClockSkewMs - random.below(2);
  if (pick === 4) return 0;
  const usualMs = random.below(pick < 7 ? 10 * stepMs : stepMs);
  // Most are in time, however far the steps.
  const isTaken = usualMs <= source.allowedLatenessMs || random.below(5) === 0;
  return isTaken ? usualMs : random.below(source.allowedLatenessMs);
}

function idOf(random: Random, source: SourcePlan, nr: number): unknown {
  const column = source.columns.find(({ name }) => name === 'event_id');
  if (column?.type.kind !== 'int64') return `e${nr}`;
  return random.below(20) === 0 ? String(nr) : BigInt(nr) + (nr % 3 === 0 ? 2n ** 60n : 0n);
}

function decimalOf(random: Random, source: SourcePlan, wild: boolean): unknown {
  const column = source.columns.find(({ name }) => name === 'd');
  const scale = column?.type.kind === 'decimal' ? column.type.scale : 0;
  if (wild && random.below(4) === 0) return String(random.pick(WIDE)).slice(0, 17 - scale);
  return random.pick(
    ['0', '1e2', '-7', '12', 4, 12.5, '99999.99', '-0.5', '3.00'].slice(0, scale === 0 ? 5 : 9),
  );
}

function spoil(random: Random, row: Record<string, unknown>): void {
  const spoilers: readonly (() => void)[] = [
    () => Object.assign(row, { n: 'twelve' }),
    () => Object.assign(row, { happened_at: -5 }),
    () => delete row.happened_at,
    () => Object.assign(row, { surprise: 1 }),
    () => Object.assign(row, { d: '1.000005' }),
    () => Object.assign(row, { x: 1e17 }),
    () => Object.assign(row, { n: 9223372036854775808n }),
    () => Object.assign(row, { n: 1.5 }),
    () => Object.assign(row, { b: 'true' }),
    () => Object.assign(row, { happened_at: 1_700_000_000 }),
    () => Object.assign(row, { due: '2023-11-14T22:13:20' }),
    () => Object.assign(row, { s: '\ud800' }),
    () =>
      Object.assign(row, {
        place: random.pick([
          ['x', 1, 2],
          [1, 2],
          [1e39, 0, 0],
        ]),
      }),
  ];
  random.pick(spoilers)();
}
