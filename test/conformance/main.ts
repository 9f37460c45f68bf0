import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REQUIRED, REQUIRED_OF } from './coverage.ts';
import type { PartMessage, PartTask } from './part.ts';
import { addTotals, idleEngines, type Totals } from './run-cases.ts';
import { ENGINES, type Engine } from './tally.ts';

const USAGE =
  'usage: npm run conformance -- [--cases N] [--seed S] [--engines a,b] [--jobs J] [--json]';
/** A run of so many cases must have met everything that is listed as required. */
const COMPLETE_FROM = 200;

interface Settings {
  readonly cases: number;
  readonly seed: number;
  readonly engines: readonly Engine[];
  readonly jobs: number;
  readonly json: boolean;
}

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      engines: { type: 'string', default: ENGINES.join() },
      jobs: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      json: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'cases' | 'seed' | 'jobs'): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= (name === 'seed' ? 0 : 1)) return value;
    throw new TypeError(`--${name} must be a whole number, not '${values[name]}'`);
  };
  const engines = values.engines.split(',').map((name) => {
    const engine = ENGINES.find((one) => one === name);
    if (engine === undefined) {
      throw new TypeError(`there is no engine '${name}'; there are ${ENGINES.join(', ')}`);
    }
    return engine;
  });
  const cases = whole('cases');
  return {
    cases,
    seed: whole('seed'),
    engines,
    jobs: Math.min(whole('jobs'), cases),
    json: values.json,
  };
}

/** Shows how far the run is, and every failing case at once. */
class Progress {
  readonly #cases: number;
  readonly #everyCases: number;
  #done = 0;

  constructor(cases: number) {
    this.#cases = cases;
    this.#everyCases = Math.max(1, Math.ceil(cases / 20));
  }

  receive(message: Exclude<PartMessage, { kind: 'totals' }>): void {
    if (message.kind === 'failed') {
      const { seed, told } = message.failure;
      process.stderr.write(`case ${seed} failed; play it again with --cases 1 --seed ${seed}\n`);
      for (const line of told) process.stderr.write(`  ${line.slice(0, 2_000)}\n`);
      return;
    }
    this.#done += 1;
    if (this.#done % this.#everyCases !== 0) return;
    process.stderr.write(`${this.#done} of ${this.#cases} cases\n`);
  }
}

function runPart(task: PartTask, progress: Progress): Promise<Totals> {
  const child = fork(join(import.meta.dirname, 'part.ts'));
  return new Promise((resolve, reject) => {
    let totals: Totals | null = null;
    let last = 0;
    child.on('message', (message: PartMessage) => {
      if (message.kind === 'totals') totals = message.totals;
      else {
        if (message.kind === 'done') last = message.seed;
        progress.receive(message);
      }
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (totals !== null) resolve(totals);
      else reject(new Error(`a part ended with ${code} after case ${last}`));
    });
    child.send(task);
  });
}

function report(settings: Settings, totals: Totals, seconds: number): boolean {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const comparisons = Object.values(totals.comparisons).reduce((sum, count) => sum + count, 0);
  write(`${totals.cases} cases in ${seconds.toFixed(1)} s, ${comparisons} comparisons`);
  for (const engine of ENGINES) {
    const took = ((totals.tookMs[engine] ?? 0) / 1000).toFixed(1);
    const count = String(totals.comparisons[engine] ?? 0);
    write(`  ${engine.padEnd(12)} ${count.padStart(10)} comparisons ${took.padStart(8)} s`);
  }
  write('covered:');
  for (const [what, count] of Object.entries(totals.covered).sort()) write(`  ${what}: ${count}`);
  const required = [...REQUIRED, ...settings.engines.flatMap((one) => REQUIRED_OF[one] ?? [])];
  const missing = required.filter((what) => (totals.covered[what] ?? 0) === 0);
  if (missing.length > 0) write(`not covered: ${missing.join(', ')}`);
  const idle = idleEngines(totals, settings.engines);
  if (idle.length > 0) write(`compared nothing: ${idle.join(', ')}`);
  write(`mismatches: ${totals.mismatches}`);
  if (settings.json) {
    const { cases, mismatches } = totals;
    const engines = settings.engines;
    write(JSON.stringify({ cases, comparisons, mismatches, engines }));
  }
  const isComplete = missing.length === 0 || totals.cases < COMPLETE_FROM;
  return totals.mismatches === 0 && idle.length === 0 && isComplete;
}

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  const { seed, cases, jobs, engines } = settings;
  const startMs = performance.now();
  const progress = new Progress(cases);
  const parts = Array.from({ length: jobs }, (_, part) =>
    runPart({ fromSeed: seed, endSeed: seed + cases, part, parts: jobs, engines }, progress),
  );
  const totals: Totals = { cases: 0, mismatches: 0, comparisons: {}, tookMs: {}, covered: {} };
  for (const part of await Promise.all(parts)) addTotals(totals, part);
  const isRight = report(settings, totals, (performance.now() - startMs) / 1000);
  process.exitCode = isRight ? 0 : 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 1;
});
