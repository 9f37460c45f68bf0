/** How a benchmark runs; `quick` keeps a whole benchmark under 40 seconds. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly json: boolean;
  /** Receives each finished line; standard output by default. */
  readonly write: (line: string) => void;
}

/** A rate is the better the higher, a time the better the lower. */
export type Direction = 'rate' | 'time';

/** One line of a benchmark. `ratio` is always the higher the better, and 1 at the limit. */
export interface Measurement {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  readonly ratio: number;
  /** Half the distance between the quartiles, over the median: of ours and of the limit. */
  readonly spread: number;
  readonly limitSpread: number;
  readonly rounds: number;
}

export interface Measure {
  readonly measure: string;
  readonly unit: string;
  readonly direction: Direction;
  /** What the limit is, for people: `a bare loop of the same memory traffic`. */
  readonly limitName: string;
}

/** Something that takes time, and how many units of work one run of it does. */
export interface Side {
  readonly run: () => void | Promise<void>;
  /** Puts the state back before each timed run; not timed. */
  readonly prepare?: () => void | Promise<void>;
}

export interface Comparison extends Measure {
  /** Units of work of one run of either side. */
  readonly work: number;
  /** Units of work in one `unit`: 1e6 for 'M events/s'; for a time, seconds in the unit. */
  readonly per: number;
  readonly ours: Side;
  readonly limit: Side;
  /** Timed rounds; each runs both sides once. */
  readonly rounds: number;
}

/** Reads `--quick` and `--json`; the rest of the arguments is the caller's. */
export function benchOptions(args: readonly string[]): BenchOptions {
  return {
    quick: args.includes('--quick'),
    json: args.includes('--json'),
    write: (line) => process.stdout.write(`${line}\n`),
  };
}

/**
 * Times two sides round after round, ours first in even rounds and the limit first in odd ones, so
 * that a slow moment of the machine hits both, and reports the medians.
 */
export async function compare(comparison: Comparison, options: BenchOptions): Promise<Measurement> {
  const ours: number[] = [];
  const limit: number[] = [];
  await elapsedSeconds(comparison.ours);
  await elapsedSeconds(comparison.limit);
  for (let round = 0; round < comparison.rounds; round++) {
    const oursFirst = round % 2 === 0;
    if (oursFirst) ours.push(await elapsedSeconds(comparison.ours));
    limit.push(await elapsedSeconds(comparison.limit));
    if (!oursFirst) ours.push(await elapsedSeconds(comparison.ours));
  }
  const inUnit = (seconds: number): number =>
    comparison.direction === 'rate'
      ? comparison.work / seconds / comparison.per
      : seconds / comparison.work / comparison.per;
  return report(comparison, ours.map(inUnit), limit.map(inUnit), options);
}

/** Summarizes samples that are already in the measure's unit, prints the line and returns it. */
export function report(
  measure: Measure,
  ours: readonly number[],
  limit: readonly number[],
  options: BenchOptions,
): Measurement {
  const value = median(ours);
  const bound = median(limit);
  const measurement: Measurement = {
    measure: measure.measure,
    value: rounded(value),
    unit: measure.unit,
    limit: rounded(bound),
    ratio: rounded(measure.direction === 'rate' ? value / bound : bound / value),
    spread: rounded(spread(ours)),
    limitSpread: rounded(spread(limit)),
    rounds: ours.length,
  };
  options.write(
    options.json ? JSON.stringify(measurement) : measurementText(measurement, measure.limitName),
  );
  return measurement;
}

function measurementText(line: Measurement, limitName: string): string {
  const percent = (share: number): string => `±${(share * 100).toFixed(1)} %`;
  return [
    line.measure.padEnd(16),
    `${line.value} ${line.unit} ${percent(line.spread)}`.padEnd(32),
    `limit ${line.limit} ${percent(line.limitSpread)}`.padEnd(26),
    `ratio ${line.ratio}`.padEnd(14),
    `(${line.rounds} rounds; the limit is ${limitName})`,
  ].join(' ');
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The q-quantile by linear interpolation between order statistics; NaN of no samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

function spread(samples: readonly number[]): number {
  return (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2 / median(samples);
}

async function elapsedSeconds(side: Side): Promise<number> {
  await side.prepare?.();
  const startMs = performance.now();
  await side.run();
  return (performance.now() - startMs) / 1000;
}

/** Four significant digits: more would promise what a shared machine cannot hold. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
