import { runCase } from './run-case.ts';
import { type Engine, Tally } from './tally.ts';
import { openWorkspace } from './workspace.ts';

/** A case that did not end well, with the seed that plays it again. */
export interface Failure {
  readonly seed: number;
  readonly told: readonly string[];
}

/** Sums of a run or of a part of one; plain, so that it can be sent between processes. */
export interface Totals {
  cases: number;
  mismatches: number;
  readonly comparisons: Record<string, number>;
  readonly tookMs: Record<string, number>;
  readonly covered: Record<string, number>;
}

export interface CaseObserver {
  readonly done: (seed: number) => void;
  readonly failed: (failure: Failure) => void;
}

/** Plays the cases of these seeds, one after another. */
export async function runCases(
  seeds: Iterable<number>,
  engines: ReadonlySet<Engine>,
  observer: CaseObserver,
): Promise<Totals> {
  const workspace = await openWorkspace();
  const tally = new Tally();
  let cases = 0;
  let thrown = 0;
  try {
    for (const seed of seeds) {
      const told: string[] = [];
      try {
        await runCase(seed, engines, workspace, tally);
      } catch (error) {
        thrown += 1;
        told.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      told.unshift(...tally.takeMismatches());
      if (told.length > 0) observer.failed({ seed, told });
      cases += 1;
      observer.done(seed);
    }
  } finally {
    workspace.close();
  }
  return {
    cases,
    mismatches: tally.mismatchCount + thrown,
    comparisons: Object.fromEntries(tally.comparisons),
    tookMs: Object.fromEntries(tally.tookMs),
    covered: Object.fromEntries(tally.covered),
  };
}

export function addTotals(into: Totals, from: Totals): void {
  into.cases += from.cases;
  into.mismatches += from.mismatches;
  for (const part of ['comparisons', 'tookMs', 'covered'] as const) {
    for (const [name, count] of Object.entries(from[part])) {
      into[part][name] = (into[part][name] ?? 0) + count;
    }
  }
}

/** Engines that were asked for and compared nothing: a run that proves less than it says. */
export function idleEngines(totals: Totals, engines: Iterable<Engine>): Engine[] {
  return [...engines].filter((engine) => (totals.comparisons[engine] ?? 0) === 0);
}
