import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '../../src/base/clock.ts';
import { AsofError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import { materialize } from '../../src/batch/tables/materialize.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { SourcePlan } from '../../src/plan/plan.ts';
import { UNIT_COLUMN } from '../../src/schema/types.ts';
import { OfflineCatalog } from '../../src/store/offline-catalog.ts';
import type { OracleEvent } from '../../src/testing/platform-oracle.ts';
import { BulkWorld, rowText } from './bulk-world.ts';
import { checkPlan } from './check-plan.ts';
import { generateTableProject, rewriteRows, TABLE, type TableRow } from './generate-table.ts';
import type { Tally } from './tally.ts';
import { edgeAfter } from './times.ts';
import { runTrain } from './train-path.ts';

const START_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

export interface TablesCase {
  readonly random: Random;
  readonly session: DuckDbSession;
  readonly folder: string;
}

/**
 * Files of a table are written, rewritten and removed; after each materialization, some of which
 * die, what is live is what the files hold, what changed arrived when it may, and the values are
 * the oracle's.
 */
export async function runTables(tally: Tally, one: TablesCase): Promise<void> {
  const { random, session } = one;
  const folder = join(one.folder, 'tables');
  mkdirSync(join(folder, TABLE), { recursive: true });
  const definitions = generateTableProject(random);
  const plan = compileProject(definitions);
  checkPlan(definitions, plan);
  const clock = new ManualClock(START_MS);
  const world = await BulkWorld.open(tally, 'tables', { random, plan, clock, folder });
  const catalog = OfflineCatalog.open(folder, clock);
  try {
    await new Rewriting(tally, random, folder, world, clock, catalog).play();
    const oracle = world.oracle();
    if (random.below(2) === 0) {
      const history = await world.history();
      await runTrain(tally, { engine: 'tables', random, oracle, history, session, clock, folder });
    }
    for (let i = 0; i < 4; i += 1) {
      await world.ask();
      clock.advanceTo(edgeAfter(random, oracle, clock.nowMs(), Infinity));
    }
  } finally {
    catalog.close();
    await world.end();
  }
}

class Rewriting {
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #folder: string;
  readonly #world: BulkWorld;
  readonly #clock: ManualClock;
  readonly #catalog: OfflineCatalog;
  readonly #source: SourcePlan;
  /** By unit. */
  readonly #files = new Map<string, TableRow[]>();
  /** Units that have been materialized. */
  readonly #known = new Set<string>();
  #lastRunMs: number | null = null;
  #names = 0;

  constructor(
    tally: Tally,
    random: Random,
    folder: string,
    world: BulkWorld,
    clock: ManualClock,
    catalog: OfflineCatalog,
  ) {
    this.#tally = tally;
    this.#random = random;
    this.#folder = folder;
    this.#world = world;
    this.#clock = clock;
    this.#catalog = catalog;
    this.#source = world.sourceOf(TABLE);
  }

  async play(): Promise<void> {
    for (let runs = 2 + this.#random.below(3); runs > 0; runs -= 1) {
      this.#rewrite();
      const before = this.#world.events();
      await this.#materialize();
      this.#checkRun(before, this.#world.events().slice(before.length));
      for (const unit of this.#files.keys()) this.#known.add(unit);
      this.#lastRunMs = this.#clock.nowMs();
      await this.#world.ask();
      if (this.#random.below(3) === 0) await this.#world.restart();
      this.#clock.advanceTo(this.#clock.nowMs() + 60_000 + this.#random.below(30 * HOUR_MS));
    }
  }

  #rewrite(): void {
    const random = this.#random;
    for (const unit of [...this.#files.keys()]) {
      const dice = random.below(6);
      if (dice === 0 && this.#files.size > 1) {
        this.#files.delete(unit);
        rmSync(join(this.#folder, unit));
        this.#tally.cover('a unit removed');
      } else if (dice < 4) this.#write(unit);
    }
    for (let more = random.below(3); more > 0 || this.#files.size === 0; more -= 1) {
      this.#names += 1;
      this.#write(`${TABLE}/f${this.#names}.ndjson`);
    }
  }

  #write(unit: string): void {
    const nowMs = this.#clock.nowMs();
    const before = this.#files.get(unit) ?? [];
    const rows = rewriteRows(this.#random, this.#source, before, nowMs);
    this.#files.set(unit, rows);
    const columns = this.#source.columns.filter(({ name }) => name !== UNIT_COLUMN);
    const path = join(this.#folder, unit);
    writeFileSync(path, rows.map((row) => `${rowText(columns, row)}\n`).join(''));
    // It has stood still for a while.
    utimesSync(path, (nowMs - HOUR_MS) / 1000, (nowMs - HOUR_MS) / 1000);
  }

  async #materialize(): Promise<void> {
    const clock = this.#clock;
    const nowMs = clock.nowMs();
    const { plan } = this.#world.oracle();
    const [outcome] = await this.#world.untilDone(() =>
      materialize(
        {
          plan,
          root: this.#folder,
          catalog: this.#catalog,
          door: this.#world.door,
          chunkRows: this.#random.pick([1, 3, 1000]),
          openHistory: () => this.#world.history(),
          now: async () => ({ nowMs, dueMs: nowMs }),
          fileNowMs: () => clock.nowMs(),
          pause: async () => {},
          graceMs: () => HOUR_MS,
          duckdb: { threads: 1 },
          extensions: null,
          remoteSettings: [],
          postgresUrl: () => null,
          owner: 'conformance',
          isGone: () => false,
          every: () => () => {},
        },
        'all',
        {
          dryRun: false,
          unit: null,
          removeMissing: true,
          allowMissing: new Set(),
          accept: 'random',
        },
      ),
    );
    const failure = outcome?.error ?? outcome?.report.failures[0]?.error ?? null;
    if (failure instanceof AsofError) throw failure;
    const rejected = outcome?.report?.rows.rejected;
    this.#tally.compare('tables', rejected, 0, () => 'rows of the table that were rejected');
    if ((outcome?.report?.rows.pending ?? 0) > 0) this.#tally.cover('rows of a table that wait');
  }

  /** What a run appended: the difference, neither more nor less, with the arrivals it may have. */
  #checkRun(before: readonly OracleEvent[], made: readonly OracleEvent[]): void {
    const nowMs = this.#clock.nowMs();
    const live = liveOf(before).map((event) => this.#fact(event.values));
    const due = [...this.#files].flatMap(([unit, rows]) =>
      rows
        .map((row): TableRow => ({ ...row, [UNIT_COLUMN]: unit }))
        .filter((row) => this.#knownMs(row, nowMs) <= nowMs && Number(row.happened_at) <= nowMs),
    );
    const wanted = minus(
      due.map((row) => this.#fact(row)),
      live,
    );
    const gone = minus(
      live,
      due.map((row) => this.#fact(row)),
    );
    const events = made.filter(({ retracts }) => !retracts);
    const taking = made.filter(({ retracts }) => retracts);
    const facts = (of: readonly OracleEvent[]): string[] =>
      of.map(({ values }) => this.#fact(values)).sort();
    const compare = (actual: unknown, expected: unknown, what: () => string): void =>
      this.#tally.compare('tables', actual, expected, what);
    compare(facts(events), wanted.sort(), () => 'rows that came in');
    compare(facts(taking), gone.sort(), () => 'rows that were taken back');
    if (gone.length > 0) this.#tally.cover('rows of a table taken back');
    for (const { values, arrivalTimeMs, eventTimeMs } of events) {
      const knownMs = Math.max(this.#knownMs(values, nowMs), Number(values.happened_at));
      const isFirst = !this.#known.has(String(values[UNIT_COLUMN]));
      const lateMs = Math.max(knownMs, nowMs);
      const sinceMs = this.#lastRunMs === null ? 0 : this.#lastRunMs + 1;
      const firstMs = gone.length > 0 ? lateMs : Math.max(knownMs, sinceMs);
      // A later run that died has looked, too: what the next one brings arrives then.
      const mayBeLate = this.#lastRunMs !== null && arrivalTimeMs === lateMs;
      const expected = isFirst && !mayBeLate ? firstMs : lateMs;
      compare(arrivalTimeMs, expected, () => `the arrival of ${this.#fact(values)}`);
      compare(eventTimeMs, values.happened_at, () => `the time of ${this.#fact(values)}`);
    }
    for (const { values, arrivalTimeMs } of taking) {
      const what = (): string => `when ${this.#fact(values)} was taken back`;
      compare(arrivalTimeMs >= nowMs, true, what);
    }
    const now = liveOf([...before, ...made]).map((event) => this.#fact(event.values));
    compare(now.sort(), due.map((row) => this.#fact(row)).sort(), () => 'live rows');
  }

  #knownMs(row: TableRow, nowMs: number): number {
    const { arrivalTime, eventTime, origin } = this.#source;
    if (arrivalTime !== null) return Number(row[arrivalTime]);
    const delayMs = origin?.assumedDelayMs ?? null;
    return delayMs === null ? nowMs : Number(row[eventTime]) + delayMs;
  }

  #fact(row: TableRow): string {
    return rowText(this.#source.columns, row);
  }
}

function liveOf(events: readonly OracleEvent[]): OracleEvent[] {
  const taken = new Set(events.flatMap(({ retracts }) => (retracts ? [retracts.offset] : [])));
  return events.filter(({ retracts, offset }) => !retracts && !taken.has(offset));
}

/** What is left of a bag without another. */
function minus(all: readonly string[], without: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const one of without) left.set(one, (left.get(one) ?? 0) + 1);
  return all.filter((one) => {
    const count = left.get(one) ?? 0;
    left.set(one, count - 1);
    return count <= 0;
  });
}
