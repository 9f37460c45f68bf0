import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManualClock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import { importHistory } from '../../src/batch/import/import-history.ts';
import type { ImportOptions } from '../../src/batch/import/import-source.ts';
import type { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { ProjectPlan, SourcePlan } from '../../src/plan/plan.ts';
import type { OracleEvent } from '../../src/testing/platform-oracle.ts';
import { BulkWorld, rowText } from './bulk-world.ts';
import type { Tally } from './tally.ts';
import { edgeAfter } from './times.ts';
import { runTrain } from './train-path.ts';

const ARRIVED = 'arrived';

export interface ImportCase {
  readonly random: Random;
  readonly plan: ProjectPlan;
  /** What was accepted elsewhere: with its times, that is what happened. */
  readonly events: readonly OracleEvent[];
  readonly session: DuckDbSession;
  readonly folder: string;
}

/**
 * Cuts what happened into a history that is imported, in parts, and events that come live, some of
 * which are in both; the process ends in between. Nothing is lost or counted twice, and the values
 * are the oracle's, in answers and in a training set.
 */
export async function runImport(tally: Tally, one: ImportCase): Promise<void> {
  const { random, plan, session, folder } = one;
  const happened = happenedOnce(one);
  if (happened.length === 0) return;
  const clock = new ManualClock(happened[0]?.arrivalTimeMs ?? 0);
  const world = await BulkWorld.open(tally, 'import', { random, plan, clock, folder });
  await new Importing(tally, one, world, clock, happened).play();
  if (random.below(2) === 0) {
    const [oracle, history] = [world.oracle(), await world.history()];
    await runTrain(tally, { engine: 'import', random, oracle, history, session, clock, folder });
  }
  await world.end();
}

/** In order of arrival; of an id the first counts. Changes have no history that could be cut. */
function happenedOnce({ plan, events }: ImportCase): OracleEvent[] {
  const ids = new Set<string>();
  const plain = new Map(plan.sources.filter(({ changes }) => !changes).map((s) => [s.name, s]));
  return events
    .toSorted((a, b) => a.arrivalTimeMs - b.arrivalTimeMs)
    .filter(({ source: name, values }) => {
      const source = plain.get(name);
      if (source === undefined) return false;
      const id = source.id === null ? null : (values[source.id] ?? null);
      if (id === null) return true;
      const text = `${name} ${id}`;
      return !ids.has(text) && ids.add(text);
    });
}

class Importing {
  readonly #tally: Tally;
  readonly #case: ImportCase;
  readonly #random: Random;
  readonly #world: BulkWorld;
  readonly #clock: ManualClock;
  readonly #happened: readonly OracleEvent[];
  /** Events that come live, as they declared, while their history is imported. */
  readonly #held: OracleEvent[] = [];
  #files = 0;

  constructor(
    tally: Tally,
    one: ImportCase,
    world: BulkWorld,
    clock: ManualClock,
    happened: readonly OracleEvent[],
  ) {
    this.#tally = tally;
    this.#case = one;
    this.#random = one.random;
    this.#world = world;
    this.#clock = clock;
    this.#happened = happened;
  }

  async play(): Promise<void> {
    const random = this.#random;
    const all = this.#happened;
    const from = random.below(all.length + 1);
    const fromMs = this.#arrivalAt(from);
    const exportedMs = this.#arrivalAt(from + random.below(all.length - from + 1));
    const history = all.filter(({ arrivalTimeMs }) => arrivalTimeMs < exportedMs);
    // With ids, the history may bring what was missed live.
    const missed = new Set(
      history.filter((one) => this.#sourceOf(one).id !== null && random.below(4) === 0),
    );
    const live = all.filter((one) => one.arrivalTimeMs >= fromMs && !missed.has(one));
    const early = live.filter(({ arrivalTimeMs }) => arrivalTimeMs < exportedMs);
    for (const event of early) {
      const { id, arrivalTime } = this.#sourceOf(event);
      const isHeld = id !== null && arrivalTime !== null && random.below(3) === 0;
      if (isHeld) this.#held.push(event);
      else await this.#push(event);
    }
    if (early.length > 0) this.#tally.cover('a history of which some came live');
    // A history is exported once all of it has arrived.
    const overMs = 1 + (all.at(-1)?.arrivalTimeMs ?? 0);
    this.#clock.advanceTo(Math.min(exportedMs, overMs));
    for (const source of this.#case.plan.sources) {
      const own = history.filter((one) => one.source === source.name);
      await this.#importAll(source, own);
    }
    for (const event of this.#held.splice(0)) await this.#pushHeld(event);
    await this.#world.ask();
    for (const event of live.slice(early.length)) {
      await this.#push(event);
      if (random.below(10) === 0) await this.#world.restart();
      if (random.below(10) === 0) await this.#world.ask();
    }
    if (random.below(2) === 0) await this.#world.restart();
    this.#checkLog();
    for (let i = 0; i < 4; i += 1) {
      await this.#world.ask();
      const oracle = this.#world.oracle();
      this.#clock.advanceTo(edgeAfter(random, oracle, this.#clock.nowMs(), Infinity));
    }
  }

  #arrivalAt(index: number): number {
    return this.#happened[index]?.arrivalTimeMs ?? Number.POSITIVE_INFINITY;
  }

  #sourceOf({ source }: OracleEvent): SourcePlan {
    return this.#world.sourceOf(source);
  }

  async #push(event: OracleEvent): Promise<void> {
    this.#clock.advanceTo(event.arrivalTimeMs);
    const { name, columns, id } = this.#sourceOf(event);
    const row = rowText(columns, event.values);
    const result = await this.#world.world.door.push(name, row);
    const what = (): string => `live ${row}: ${JSON.stringify(result.rows)}`;
    this.#tally.compare('import', result.accepted, 1, what);
    // Sometimes it comes again, which counts for nothing where it has an id.
    if (id === null || this.#random.below(10) > 0) return;
    const again = await this.#world.world.door.push(name, row);
    this.#tally.compare('import', again.accepted, 0, what);
  }

  /** It may be there already. */
  async #pushHeld(event: OracleEvent): Promise<void> {
    const { name, columns } = this.#sourceOf(event);
    const row = rowText(columns, event.values);
    const { accepted, rows } = await this.#world.world.door.push(name, row);
    if (accepted === 1) this.#tally.cover('an event that came live during its import');
    else this.#tally.compare('import', rows[0]?.code, 'duplicate', () => `held ${row}`);
  }

  /** In a few runs; without ids those of different times. */
  async #importAll(source: SourcePlan, history: readonly OracleEvent[]): Promise<void> {
    let rest = history;
    while (rest.length > 0) {
      const at = this.#random.below(3) === 0 ? this.#random.below(rest.length) : rest.length - 1;
      const untilMs = rest[at]?.arrivalTimeMs ?? 0;
      const part = rest.filter(({ arrivalTimeMs }) => arrivalTimeMs <= untilMs);
      rest = rest.slice(part.length);
      await this.#importPart(source, part);
      if (source.id !== null && this.#random.below(4) === 0) {
        await this.#importPart(source, part.slice(this.#random.below(part.length)));
        this.#tally.cover('a history that came twice');
      }
    }
  }

  async #importPart(source: SourcePlan, part: readonly OracleEvent[]): Promise<void> {
    const { folder } = this.#case;
    this.#files += 1;
    const path = join(folder, `history-${this.#files}.ndjson`);
    const isDeclared = source.arrivalTime !== null;
    const lines = part.map(({ values, arrivalTimeMs }) => {
      const row = rowText(source.columns, values);
      return isDeclared ? row : `${row.slice(0, -1)},"${ARRIVED}":${arrivalTimeMs}}`;
    });
    writeFileSync(path, `${lines.join('\n')}\n`);
    const options: ImportOptions = {
      rename: {},
      arrivalColumn: isDeclared ? null : ARRIVED,
      assumedDelayMs: null,
      timeZone: 'UTC',
      mayLack: [],
      until: 'auto',
    };
    this.#world.beforeTake = async () => {
      for (const event of this.#held.splice(0, 2)) await this.#pushHeld(event);
    };
    const report = await this.#world.untilDone(() =>
      importHistory({
        door: this.#world.door,
        source,
        input: { kind: 'files', root: folder, paths: [path] },
        options,
        openHistory: () => this.#world.history(),
        duckdb: { threads: 1 },
        dryRun: false,
      }),
    );
    this.#tally.compare('import', report.read, part.length, () => 'rows of the history');
    this.#tally.compare('import', report.rejections, {}, () => `rejected of ${path}`);
    if (report.accepted > 0) this.#tally.cover('events imported');
    if (report.duplicates > 0) this.#tally.cover('imported ids that were known');
    if (report.beyondCut > 0) this.#tally.cover('a history cut at the first live event');
  }

  /** The log holds what happened, each once, with its times. */
  #checkLog(): void {
    const facts = (events: readonly OracleEvent[]): string[] =>
      events.map((event) => factOf(this.#sourceOf(event), event)).sort();
    const [found, wanted] = [facts(this.#world.events()), facts(this.#happened)];
    this.#tally.compare('import', found.length, wanted.length, () => 'events in the log');
    wanted.forEach((fact, i) => {
      this.#tally.compare('import', found[i], fact, () => `event ${i} of the log`);
    });
  }
}

function factOf({ name, columns }: SourcePlan, event: OracleEvent): string {
  const { eventTimeMs, arrivalTimeMs, values } = event;
  return `${name} ${eventTimeMs} ${arrivalTimeMs} ${rowText(columns, values)}`;
}
