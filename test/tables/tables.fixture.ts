import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { ManualClock } from '../../src/base/clock.ts';
import { NodeDisk } from '../../src/base/node-disk.ts';
import { liveEventsSql } from '../../src/batch/spines/live-events.ts';
import { materialize, type TableOutcome } from '../../src/batch/tables/materialize.ts';
import type { TableReport } from '../../src/batch/tables/table-report.ts';
import type { MaterializeOptions, TablesWorld } from '../../src/batch/tables/tables-world.ts';
import { encodeBulk } from '../../src/ingest/bulk-body.ts';
import type { BulkChunk, BulkDoor } from '../../src/ingest/bulk-door.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { History } from '../../src/ingest/history.ts';
import { segmentLog } from '../../src/ingest/history-log.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan, SourcePlan } from '../../src/plan/plan.ts';
import { OfflineCatalog } from '../../src/store/offline-catalog.ts';

/** 2026-02-01. */
export const NOW_MS = Date.UTC(2026, 1, 1);

export type Definitions = Parameters<typeof compileProject>[0];

const PLAIN: MaterializeOptions = {
  dryRun: false,
  unit: null,
  removeMissing: false,
  allowMissing: new Set(),
};

interface Parts {
  readonly folder: string;
  readonly plan: ProjectPlan;
  readonly clock: ManualClock;
  readonly log: EventLog;
  readonly ingestor: Ingestor;
  readonly catalog: OfflineCatalog;
}

/** A project's folder with a real log, a real door and a catalog. */
export class TablesFixture {
  readonly folder: string;
  readonly plan: ProjectPlan;
  readonly clock: ManualClock;
  readonly #log: EventLog;
  readonly #ingestor: Ingestor;
  readonly #catalog: OfflineCatalog;
  /** Are called before and after each chunk is taken, and may throw. */
  beforeTake: (chunk: BulkChunk) => void | Promise<void> = () => {};
  afterTake: (chunk: BulkChunk) => void | Promise<void> = () => {};
  /** Is called before a run is over, and may throw. */
  beforeFinish: () => void = () => {};
  readonly world: TablesWorld;

  private constructor(parts: Parts, more: Partial<TablesWorld>) {
    const { folder, plan, clock, log, ingestor, catalog } = parts;
    this.folder = folder;
    this.plan = plan;
    this.clock = clock;
    this.#log = log;
    this.#ingestor = ingestor;
    this.#catalog = catalog;
    this.world = {
      plan,
      root: folder,
      catalog,
      door: this.#door(),
      openHistory: () => this.history(),
      now: async () => ({ nowMs: this.clock.nowMs(), dueMs: this.clock.nowMs() }),
      fileNowMs: () => this.clock.nowMs(),
      pause: async (durationMs) => this.clock.advanceTo(this.clock.nowMs() + durationMs),
      graceMs: () => 0,
      duckdb: { memoryBytes: 1e9, spillFolder: join(folder, 'spill'), threads: 2 },
      extensions: null,
      remoteSettings: [],
      postgresUrl: () => null,
      owner: 'this test',
      isGone: () => false,
      every: () => () => {},
      ...more,
    };
  }

  static async open(
    t: TestContext,
    definitions: Definitions,
    more: Partial<TablesWorld> = {},
  ): Promise<TablesFixture> {
    const folder = mkdtempSync(join(tmpdir(), 'asof-tables-'));
    const plan = compileProject(definitions);
    const dataDir = join(folder, '.asof');
    mkdirSync(dataDir);
    const disk = new NodeDisk(dataDir);
    const log = await EventLog.open({ disk, schemas: plan.sources });
    const clock = new ManualClock(NOW_MS);
    const ingestor = Ingestor.open({ disk, log, sources: plan.sources, clock });
    const catalog = OfflineCatalog.open(dataDir, clock);
    const fixture = new TablesFixture({ folder, plan, clock, log, ingestor, catalog }, more);
    t.after(async () => {
      await log.close();
      catalog.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return fixture;
  }

  get catalog(): OfflineCatalog {
    return this.#catalog;
  }

  get ingestor(): Ingestor {
    return this.#ingestor;
  }

  #door(): BulkDoor {
    const { bulk } = this.#ingestor;
    return {
      taken: async (source, run) => bulk.taken(source, run),
      start: async (source, run) => bulk.start(source, run),
      finish: async (source, run) => {
        this.beforeFinish();
        await bulk.finish(source, run);
      },
      take: async (chunk) => {
        await this.beforeTake(chunk);
        const { rows, ...rest } = chunk;
        const body = encodeBulk(rows, this.source(chunk.source));
        const result = await bulk.take({ ...rest, body });
        await this.afterTake(chunk);
        return result;
      },
    };
  }

  source(name: string): SourcePlan {
    const found = this.plan.sources.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no source ${name}`);
    return found;
  }

  history(throughCommit?: number): Promise<History> {
    const dataDir = join(this.folder, '.asof');
    return History.open({
      dataDir,
      log: segmentLog(new NodeDisk(dataDir)),
      schemaOf: (name) => this.plan.sources.find((one) => one.name === name),
      ...(throughCommit === undefined ? {} : { throughCommit }),
    });
  }

  get lastCommit(): number {
    return this.#log.lastCommit;
  }

  /** Writes a file that has stood still for an hour. */
  write(path: string, text: string): string {
    const real = join(this.folder, path);
    mkdirSync(dirname(real), { recursive: true });
    writeFileSync(real, text);
    const atS = (this.clock.nowMs() - 3_600_000) / 1000;
    utimesSync(real, atS, atS);
    return real;
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true });
  }

  async writeParquet(path: string, select: string): Promise<string> {
    const real = join(this.folder, path);
    mkdirSync(dirname(real), { recursive: true });
    const session = await DuckDbSession.open({ threads: 1 });
    await session.run(`COPY (${select}) TO '${real}' (FORMAT parquet)`);
    session.close();
    return real;
  }

  run(options: Partial<MaterializeOptions> = {}, names: string[] | 'all' = 'all') {
    return materialize(this.world, names, { ...PLAIN, ...options });
  }

  /** The report of the only table. @throws the error of the table, or of its first unit */
  async report(options: Partial<MaterializeOptions> = {}): Promise<TableReport> {
    const [outcome] = await this.run(options);
    const report = reportOf(outcome);
    const [failure] = report.failures;
    if (failure !== undefined) throw failure.error;
    return report;
  }

  /** Live rows through a commit, as JSON texts of their declared columns in order of those. */
  async live(name: string, throughCommit?: number): Promise<string[]> {
    const session = await DuckDbSession.open({ threads: 1 });
    try {
      const source = this.source(name);
      const history = await this.history(throughCommit);
      const events = await history.attach(session.connection, source);
      const own = source.columns.map((column) => `"${column.name}"`).join(', ');
      const rows = await session.rows(
        `SELECT CAST(to_json(r) AS VARCHAR) FROM (SELECT ${own} FROM ${liveEventsSql(events, source)}) r ORDER BY 1`,
      );
      return rows.map(([text]) => String(text));
    } finally {
      session.close();
    }
  }

  /** Of all rows of the history, retractions too: one column. */
  async column(name: string, sql: string): Promise<unknown[]> {
    const session = await DuckDbSession.open({ threads: 1 });
    try {
      const events = await (await this.history()).attach(session.connection, this.source(name));
      const rows = await session.rows(`SELECT ${sql} FROM ${events} ORDER BY __commit, __offset`);
      return rows.map(([value]) => (typeof value === 'bigint' ? Number(value) : value));
    } finally {
      session.close();
    }
  }

  letters(name: string): { code: string; place: string; raw: string; column: string | null }[] {
    return [...this.#ingestor.letters.list(name)].map(({ code, origin, raw, column }) => ({
      ...{ code, column },
      place: origin?.place ?? '',
      raw: String(raw),
    }));
  }
}

export function reportOf(outcome: TableOutcome | undefined): TableReport {
  if (outcome === undefined) throw new Error('no outcome');
  if (outcome.error !== null) throw outcome.error;
  return outcome.report;
}
