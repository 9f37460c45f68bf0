import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { ManualClock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { Archive } from '../../ingest/archive.ts';
import { ListLog, temporaryFolder } from '../../ingest/archive-cases.test.ts';
import { ArchiveFiles } from '../../ingest/archive-files.ts';
import type { ArchiveFile } from '../../ingest/archive-manifest.ts';
import { sqlName } from '../../ingest/archive-relation.ts';
import { DAY_MS } from '../../ingest/archive-stage.ts';
import { DuckDbSession } from '../../ingest/duckdb-session.ts';
import { History } from '../../ingest/history.ts';
import type { SchemaOf } from '../../ingest/segment-reader.ts';
import type { SourcePlan, TileGroupPlan } from '../../plan/plan.ts';
import type { Column, EventBatch } from '../../schema/batch.ts';
import { OfflineCatalog } from '../../store/offline-catalog.ts';
import { dayCondition } from './event-days.ts';
import type { TileBuilder } from './tile-port.ts';
import type { BackfillLimits, BackfillStep, BackfillTarget, BackfillWorld } from './world.ts';

const HOUR_MS = 3_600_000;
/** 2026-01-10. */
export const FIRST_DAY = 20_463;

const optional = { optional: false, min: null, max: null };
const meta = { owner: null, description: null, tags: [] };

const source: SourcePlan = {
  name: 'payments',
  columns: [
    { name: 'user', type: { kind: 'string' }, ...optional },
    { name: 'amount', type: { kind: 'int64' }, ...optional },
    { name: 'at', type: { kind: 'timestamp' }, ...optional },
  ],
  eventTime: 'at',
  arrivalTime: null,
  id: null,
  allowedLatenessMs: 99 * DAY_MS,
  maxClockSkewMs: 1,
  dedupeHorizonMs: 1,
  partitions: 1,
  origin: null,
  hash: 'h',
  meta,
};

const group: TileGroupPlan = {
  id: 'g1',
  source: 'payments',
  entity: 'user',
  keyColumns: ['user'],
  filter: null,
  lanes: [],
  accumulators: [],
  windows: [],
  retractable: false,
  latenessMs: 0,
  keep: 0,
};

export const target: BackfillTarget = { group, source };

/** Hourly counts and sums: simple enough to be computed again by hand. */
export const plainBuilder: TileBuilder = {
  format: 'plain-1',
  refusal: ({ windows }) => (windows.some(({ kind }) => kind === 'session') ? 'a session' : null),
  select: ({ events, days, slice }) => `
    SELECT CAST(__event_time // ${DAY_MS} AS INTEGER) AS __day, count(*) AS __rows,
      ${sqlName('user')} AS k0, __event_time // ${HOUR_MS} AS hour, sum(amount)::BIGINT AS total
    FROM ${events} WHERE ${sqlName('user')} <> '' AND ${dayCondition(days)}
      ${slice === null ? '' : `AND hash(${sqlName('user')}) % ${slice.of} = ${slice.index}`}
    GROUP BY ALL`,
  condition: () => `${sqlName('user')} <> ''`,
  identity: () => ({ keys: ['k0'], place: ['hour'] }),
  bytesPerRow: () => 100,
};

export interface Payment {
  readonly user: string;
  readonly amount: number;
  readonly atMs: number;
}

/** One commit; `arrivalMs` is that of all its events. */
export function commitOf(
  commit: number,
  arrivalMs: number,
  payments: readonly Payment[],
): EventBatch {
  const number = (kind: 'int64' | 'timestamp', of: (payment: Payment) => number): Column => ({
    kind: 'number',
    type: { kind },
    values: Float64Array.from(payments, of),
    wide: null,
    valid: null,
  });
  return {
    source: 'payments',
    partition: 0,
    firstOffset: commit * 1_000,
    commit,
    count: payments.length,
    eventTimeMs: Float64Array.from(payments, ({ atMs }) => atMs),
    arrivalTimeMs: new Float64Array(payments.length).fill(arrivalMs),
    columns: [
      {
        kind: 'string',
        type: { kind: 'string' },
        values: payments.map(({ user }) => user),
        valid: null,
      },
      number('int64', (payment) => payment.amount),
      number('timestamp', (payment) => payment.atMs),
    ],
  };
}

/** A log of payments that can be archived. */
export class PaymentLog extends ListLog {
  override schemas(): SchemaOf {
    return (name) => (name === 'payments' ? source : undefined);
  }
}

/** A data directory with a log of payments, and what a backfill of it needs. */
export class PaymentsWorld {
  readonly dataDir: string;
  readonly clock = new ManualClock((FIRST_DAY + 1) * DAY_MS);
  readonly payments: (Payment & { readonly commit: number })[] = [];
  #log = new PaymentLog([]);
  #catalog: OfflineCatalog;
  #commit = 0;
  /** Rows of one chunk. */
  chunkRows = 60;
  onStep: (step: BackfillStep) => void = () => {};
  datasets: readonly string[] = [];

  constructor(context: TestContext) {
    this.dataDir = temporaryFolder(context);
    this.#catalog = OfflineCatalog.open(this.dataDir, this.clock);
    context.after(() => this.#catalog.close());
  }

  get catalog(): OfflineCatalog {
    return this.#catalog;
  }

  get commit(): number {
    return this.#commit;
  }

  append(payments: readonly Payment[]): void {
    this.#commit += 1;
    const batch = commitOf(this.#commit, this.clock.nowMs(), payments);
    this.#log = new PaymentLog([...this.#log.batches, batch]);
    this.payments.push(...payments.map((one) => ({ ...one, commit: this.#commit })));
  }

  appendRandom(random: Random, count: number): void {
    const day = Math.floor(this.clock.nowMs() / DAY_MS);
    this.append(
      Array.from({ length: count }, () => {
        const late = random.below(10) === 0 ? random.below(day - FIRST_DAY + 1) : random.below(2);
        const atDay = Math.max(FIRST_DAY, day - late);
        const user = random.pick(['a', 'b', 'c', 'ü', '']);
        return { user, amount: random.below(100), atMs: atDay * DAY_MS + random.below(DAY_MS) };
      }),
    );
  }

  /** Moves the log so far to the archive, and cuts it. */
  async archive(): Promise<void> {
    const { dataDir } = this;
    const archive = await Archive.open({ dataDir, source: this.#log, threads: 1 });
    try {
      await archive.archiveThrough(this.#commit);
    } finally {
      archive.close();
    }
    this.#log.cutThrough(this.#commit);
  }

  /** Only the oldest commits are left of the log. */
  lose(commitsKept: number): void {
    this.#commit = commitsKept;
    this.#log = new PaymentLog(this.#log.batches.slice(0, commitsKept));
    const kept = this.payments.filter(({ commit }) => commit <= commitsKept);
    this.payments.splice(0, this.payments.length, ...kept);
  }

  /** As after a kill: what was open is gone, and nothing was tidied up. */
  reopen(): void {
    this.#catalog.close();
    this.#catalog = OfflineCatalog.open(this.dataDir, this.clock);
  }

  /** From here on nothing more reaches the disk: the process is dead. */
  die(): never {
    this.reopen();
    throw new Error('killed');
  }

  /** What a process has; another one has an owner of its own. */
  world(owner = 'one'): BackfillWorld {
    const { dataDir, clock } = this;
    return {
      dataDir,
      clock,
      catalog: this.#catalog,
      builder: { ...plainBuilder, bytesPerRow: () => (64 * 2 ** 20 * 0.5) / this.chunkRows },
      prepare: () => Promise.resolve(),
      stopwatchMs: () => clock.nowMs(),
      pause: async (durationMs) => clock.advanceTo(clock.nowMs() + durationMs),
      every: () => () => {},
      openHistory: (throughCommit) =>
        History.open({
          dataDir,
          log: this.#log,
          schemaOf: () => source,
          ...(throughCommit === undefined ? {} : { throughCommit }),
        }),
      rowsAtLeast: () => archivedRows(dataDir),
      fileRanges: () => archivedFiles(dataDir),
      duckdb: { memoryBytes: 64 * 2 ** 20, threads: 1 },
      owner,
      isGone: () => false,
      arrivalClock: false,
      graceMs: () => DAY_MS,
      datasetsReading: () => this.datasets,
      onStep: (step) => this.onStep(step),
    };
  }

  /** Live tiles by partition and part: the bytes of their files, in order. */
  liveBytes(): Map<string, Uint8Array> {
    return new Map(
      this.#catalog.partitions
        .live('tiles/g1')
        .map((part) => [
          `${part.partition}/${part.part}`,
          readFileSync(`${this.dataDir}/${part.path}`),
        ]),
    );
  }

  /** Live tiles as the files say. */
  async liveTiles(): Promise<unknown[][]> {
    const paths = this.#catalog.partitions
      .live('tiles/g1')
      .map(({ path }) => `'${this.dataDir}/${path}'`);
    if (paths.length === 0) return [];
    const session = await DuckDbSession.open({ threads: 1 });
    try {
      return await session.rows(
        `SELECT k0, hour, total, __rows FROM read_parquet([${paths.join(', ')}]) ORDER BY ALL`,
      );
    } finally {
      session.close();
    }
  }

  /** The same from scratch, by hand, through a commit. */
  expectedTiles(throughCommit = this.#commit): unknown[][] {
    const tiles = new Map<string, { user: string; hour: number; total: number; rows: number }>();
    for (const { user, amount, atMs, commit } of this.payments) {
      if (user === '' || commit > throughCommit) continue;
      const hour = Math.floor(atMs / HOUR_MS);
      const tile = tiles.get(`${user} ${hour}`) ?? { user, hour, total: 0, rows: 0 };
      tile.total += amount;
      tile.rows += 1;
      tiles.set(`${user} ${hour}`, tile);
    }
    return [...tiles.values()]
      .sort((a, b) => Buffer.compare(Buffer.from(a.user), Buffer.from(b.user)) || a.hour - b.hour)
      .map(({ user, hour, total, rows }) => [user, BigInt(hour), BigInt(total), BigInt(rows)]);
  }
}

function archivedFiles(dataDir: string): readonly ArchiveFile[] {
  return new ArchiveFiles(dataDir).readManifest().sources.payments ?? [];
}

function archivedRows(dataDir: string): number {
  return archivedFiles(dataDir).reduce((sum, file) => sum + file.rows, 0);
}

export function limitsOf(changed: Partial<BackfillLimits> = {}): BackfillLimits {
  return {
    parallel: 1,
    rowsPerSecond: null,
    offPeak: null,
    fromDay: null,
    throughDay: null,
    quotaOf: () => ({ owner: 'nobody', rowsPerDay: null, bytes: null }),
    force: false,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...changed,
  };
}
