import type { FeatureValue } from '../../src/schema/types.ts';

/** The paths an event can take to a value; each is held to the naive oracle. */
export const ENGINES = [
  'acceptance',
  'kernel',
  'stream',
  'http',
  'connect',
  'grpc',
  'arrow',
  'feast',
  'backfill',
  'train',
  'replay',
  'tiles',
  'import',
  'rebuild',
  'tables',
] as const;

export type Engine = (typeof ENGINES)[number];

/** Mismatches of one case that are told in full. */
const SHOWN = 5;

/** Counts comparisons and keeps what differed, case by case. */
export class Tally {
  readonly comparisons = new Map<Engine, number>(ENGINES.map((engine) => [engine, 0]));
  readonly covered = new Map<string, number>();
  /** Wall time by path. */
  readonly tookMs = new Map<Engine, number>(ENGINES.map((engine) => [engine, 0]));
  /** Of the present case. */
  mismatches: string[] = [];
  mismatchCount = 0;

  get total(): number {
    return [...this.comparisons.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Bit for bit: 1 is not 1n, 0 is not -0, and null is not undefined; also within lists. */
  compare(engine: Engine, actual: unknown, expected: unknown, what: () => string): void {
    this.comparisons.set(engine, (this.comparisons.get(engine) ?? 0) + 1);
    if (isSame(actual, expected)) return;
    this.mismatchCount += 1;
    if (this.mismatches.length >= SHOWN) return;
    this.mismatches.push(
      `${engine}: ${what()}: got ${shown(actual)}, the oracle has ${shown(expected)}`,
    );
  }

  async time<T>(engine: Engine, work: () => T | Promise<T>): Promise<T> {
    const startMs = performance.now();
    try {
      return await work();
    } finally {
      const before = this.tookMs.get(engine) ?? 0;
      this.tookMs.set(engine, before + performance.now() - startMs);
    }
  }

  cover(what: string, count = 1): void {
    this.covered.set(what, (this.covered.get(what) ?? 0) + count);
  }

  /** What differed since the last call. */
  takeMismatches(): string[] {
    const taken = this.mismatches;
    this.mismatches = [];
    return taken;
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [ours, theirs] = [Object.entries(a), Object.entries(b)];
  return (
    ours.length === theirs.length &&
    ours.every(([name, value], i) => theirs[i]?.[0] === name && isSame(value, theirs[i]?.[1]))
  );
}

/** A value with its type: `7n`, `'7'`, `7`, `[7n, null]`, `{value: 'a', count: 2}`. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, part]) => `${name}: ${shown(part)}`);
    return `{${fields.join(', ')}}`;
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

export function shownKey(key: Readonly<Record<string, FeatureValue>>): string {
  return Object.entries(key)
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(' ');
}
