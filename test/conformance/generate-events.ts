import type { Random } from '../../src/base/random.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import { DECLARED_ARRIVAL } from './generate-definitions.ts';

/** Rows pushed together, at one moment of the log's clock. */
export interface Push {
  readonly nowMs: number;
  readonly rows: readonly object[];
  /** The same rows as they travel: NDJSON with every digit. */
  readonly text: string;
}

const START_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

export const USERS = ['u1', 'u2', 'ü😀', ''] as const;
export const SHOPS = [1, 2, 9007199254740993n] as const;

const INTEGERS = [0, 1, -1, 2, 5, 17, 1000, -4096, 123_456_789] as const;
const WIDE = [
  9007199254740991n,
  9007199254740993n,
  -9007199254740993n,
  9223372036854775807n,
  -9223372036854775808n,
  4611686018427387904n,
] as const;
const FLOATS = [0, 0.1, 0.2, 0.00005, 0.00015, -2.5, 3.1415926, 1e6, 123456.789, -0.3] as const;
const DECIMALS = ['0', '0.1', '12.34', '-7.5', '99999.99', '90071992547409.93'] as const;
const STRINGS = ['', 'a', 'b', 'B', 'é', '😀', 'zz', 'a b'] as const;

/** Random pushes in the order of the log's clock: in and out of order, late, double and broken. */
export function generatePushes(random: Random, source: SourcePlan): Push[] {
  const stepMs = random.pick([500, 20_000, 600_000, 3 * HOUR_MS]);
  const wild = random.below(3) === 0;
  const pushes: Push[] = [];
  let nowMs = START_MS + random.below(HOUR_MS);
  let nr = 0;
  const count = 3 + random.below(8);
  for (let at = 0; at < count; at += 1) {
    nowMs += random.below(stepMs);
    const rows = Array.from({ length: 1 + random.below(25) }, () => {
      nr += 1;
      return generateRow(random, source, nowMs, stepMs, nr, wild);
    });
    pushes.push({ nowMs, rows, text: rows.map(exactJson).join('\n') });
  }
  return pushes;
}

/** JSON in which a bigint is a bare number. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? JSON.rawJSON(String(part)) : part,
  );
}

function generateRow(
  random: Random,
  source: SourcePlan,
  nowMs: number,
  stepMs: number,
  nr: number,
  wild: boolean,
): object {
  const maybe = <T>(values: readonly T[]): T | null =>
    random.below(6) === 0 ? null : random.pick(values);
  const arrivalMs = nowMs - (random.below(4) === 0 ? random.below(stepMs) : 0);
  const row: Record<string, unknown> = {
    happened_at: arrivalMs - delayMs(random, source, stepMs),
    [DECLARED_ARRIVAL]: source.arrivalTime === null ? null : arrivalMs,
    event_id: random.below(10) === 0 ? `e${Math.max(1, nr - random.below(20))}` : `e${nr}`,
    user: random.pick(USERS),
    shop: random.pick(SHOPS),
    n: maybe<number | bigint>(wild && random.below(3) === 0 ? WIDE : INTEGERS),
    m: maybe(INTEGERS),
    d: maybe(DECIMALS),
    x: maybe(FLOATS),
    s: maybe(STRINGS),
    b: maybe([true, false]),
  };
  if (row.event_id === null) delete row.event_id;
  for (const key of ['user', 'shop', 'n', 's']) {
    if (random.below(40) === 0) delete row[key];
  }
  if (random.below(30) === 0) spoil(random, row);
  return row;
}

/** Mostly prompt; sometimes late by up to twice what is allowed, or a little ahead of the clock. */
function delayMs(random: Random, source: SourcePlan, stepMs: number): number {
  const pick = random.below(10);
  if (pick === 0) return -random.below(2 * source.maxClockSkewMs);
  if (pick === 1) return random.below(2 * source.allowedLatenessMs);
  if (pick === 2) return source.allowedLatenessMs;
  if (pick === 3) return 0;
  if (pick < 6) return random.below(10 * stepMs);
  return random.below(stepMs);
}

function spoil(random: Random, row: Record<string, unknown>): void {
  const wrong = random.below(6);
  if (wrong === 0) row.n = 'twelve';
  else if (wrong === 1) row.happened_at = -5;
  else if (wrong === 2) delete row.happened_at;
  else if (wrong === 3) row.surprise = 1;
  else if (wrong === 4) row.d = '1.005';
  else row.x = 1e14;
}
