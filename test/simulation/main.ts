import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PartMessage, PartTask } from './part.ts';
import { simulate } from './run.ts';

const USAGE =
  'usage: npm run simulate -- [--runs N] [--seed S] [--only-seed X] [--jobs J] [--json]';
const BAR_WIDTH = 30;

interface Settings {
  readonly runs: number;
  readonly seed: number;
  readonly onlySeed: number | null;
  readonly jobs: number;
  readonly json: boolean;
}

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      'only-seed': { type: 'string' },
      jobs: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      json: { type: 'boolean', default: false },
    },
  });
  const whole = (name: string, text: string, least: number): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new TypeError(`--${name} must be a whole number, not '${text}'`);
  };
  const only = values['only-seed'];
  const runs = whole('runs', values.runs, 1);
  return {
    runs,
    seed: whole('seed', values.seed, 0),
    onlySeed: only === undefined ? null : whole('only-seed', only, 0),
    jobs: Math.min(whole('jobs', values.jobs, 1), runs),
    json: values.json,
  };
}

/** Sums of all runs so far; shows them, and every failing run at once. */
class Tally {
  runs = 0;
  failures = 0;
  simulatedMs = 0;
  events = 0;
  answers = 0;
  readonly seen = new Map<string, number>();
  readonly #of: number;

  constructor(runs: number) {
    this.#of = runs;
  }

  add(message: PartMessage): void {
    this.runs += 1;
    this.simulatedMs += message.simulatedMs;
    this.events += message.events;
    this.answers += message.answers;
    for (const [what, count] of Object.entries(message.seen)) {
      this.seen.set(what, (this.seen.get(what) ?? 0) + count);
    }
    if (message.problems.length > 0) this.#fail(message);
    this.#show();
  }

  #fail({ seed, problems }: PartMessage): void {
    this.failures += 1;
    const command = `npm run simulate -- --only-seed ${seed}`;
    process.stderr.write(`\nthe run of seed ${seed} failed; repeat it with ${command}\n`);
    for (const problem of problems) process.stderr.write(`  ${problem.slice(0, 1_000)}\n`);
  }

  #show(): void {
    if (!process.stderr.isTTY) return;
    const filled = Math.floor((BAR_WIDTH * this.runs) / this.#of);
    const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.');
    const end = this.runs === this.#of ? '\n' : '';
    process.stderr.write(`\r[${bar}] ${this.runs}/${this.#of} runs, ${this.failures} failed${end}`);
  }
}

function runPart(task: PartTask, tally: Tally): Promise<void> {
  const child = fork(join(import.meta.dirname, 'part.ts'));
  return new Promise((resolve, reject) => {
    child.on('message', (message: PartMessage) => tally.add(message));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a part of the runs ended with ${code}`));
    });
    child.send(task);
  });
}

/** One run alone, with all that happens in it. */
async function repeat(seed: number, tally: Tally): Promise<void> {
  const result = await simulate(seed, {}, (line) => process.stderr.write(`${line}\n`));
  tally.add({ ...result, seen: Object.fromEntries(result.seen) });
}

function report(settings: Settings, tally: Tally, realMs: number): void {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const { runs, failures, simulatedMs, events, answers, seen } = tally;
  const days = (simulatedMs / 86_400_000).toFixed(1);
  const factor = Math.floor(simulatedMs / realMs).toLocaleString('en');
  write(`${runs} runs, ${days} days in ${(realMs / 1000).toFixed(1)} s: ${factor} times real time`);
  write(`${events} events logged, ${answers} answers compared with the oracle`);
  for (const [what, count] of [...seen].sort()) write(`  ${what}: ${count}`);
  write(`failures: ${failures}`);
  if (!settings.json) return;
  write(JSON.stringify({ runs, simulatedMs, realMs: Math.round(realMs), failures }));
}

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  const { seed, runs, jobs, onlySeed } = settings;
  const startMs = performance.now();
  const tally = new Tally(onlySeed === null ? runs : 1);
  if (onlySeed === null) {
    const tasks = Array.from({ length: jobs }, (_, part) => {
      return runPart({ fromSeed: seed, endSeed: seed + runs, part, parts: jobs }, tally);
    });
    await Promise.all(tasks);
  } else await repeat(onlySeed, tally);
  report(settings, tally, performance.now() - startMs);
  process.exitCode = tally.failures === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 1;
});
