import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { present } from '../src/base/assert.ts';
import { systemClock } from '../src/base/clock.ts';
import { pause } from '../src/base/pause.ts';
import type { BackfillTarget, BackfillWorld } from '../src/batch/backfill/world.ts';
import { prepareTiles, tileBuilder } from '../src/batch/tiles/tile-builder.ts';
import {
  avg,
  count,
  decimal,
  entity,
  max,
  sliding,
  stream,
  string,
  sum,
  timestamp,
  view,
} from '../src/index.ts';
import { ArchiveFiles } from '../src/ingest/archive-files.ts';
import type { ArchiveFile } from '../src/ingest/archive-manifest.ts';
import { sqlString } from '../src/ingest/archive-relation.ts';
import { DuckDbSession } from '../src/ingest/duckdb-session.ts';
import { History } from '../src/ingest/history.ts';
import type { LogReader } from '../src/ingest/history-log.ts';
import { compileProject } from '../src/plan/compile.ts';
import { schemaFingerprint } from '../src/schema/fingerprint.ts';
import { OfflineCatalog } from '../src/store/offline-catalog.ts';

const DAY_MS = 86_400_000;
const FIRST_DAY = 19_700;
const KEYS = 100_000;
const EVENTS_PER_COMMIT = 1_000;

const user = entity('user', { keys: { user: string() } });
const payments = stream('payments', {
  columns: { user: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
  allowedLateness: '30d',
});
const spending = view('spending', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  features: (payment) => ({
    payments_7d: count().over(sliding('7d')),
    payments_30d: count().over(sliding('30d')),
    spent_7d: sum(payment.amount).over(sliding('7d')),
    mean_30d: avg(payment.amount).over(sliding('30d')),
    highest_30d: max(payment.amount).over(sliding('30d')),
  }),
});

export const plan = compileProject([payments, user, spending]);
export const target: BackfillTarget = {
  group: present(plan.groups[0], 'one group'),
  source: present(plan.sources[0], 'one source'),
};

const NO_LOG: LogReader = { lastCommit: () => 0, read: () => [] };

/** A data directory whose archive holds payments of some days, and nothing is in the log. */
export class ArchivedPayments {
  readonly dataDir: string;
  readonly events: number;
  readonly days: number;
  readonly #files: ArchiveFiles;
  #commit = 0;
  #offset = 0;

  constructor(dataDir: string, events: number, days: number) {
    this.dataDir = dataDir;
    this.events = events;
    this.days = days;
    this.#files = new ArchiveFiles(dataDir);
  }

  /** Real paths of all files. */
  get paths(): string[] {
    return (this.#files.readManifest().sources.payments ?? []).map(({ path }) =>
      this.#files.real(path),
    );
  }

  /** A file for each arrival date; most events are seconds late, one in 100 some hours. */
  async write(): Promise<void> {
    const daily = this.events / this.days;
    const session = await DuckDbSession.open();
    for (let day = 0; day < this.days; day++) {
      const arrivals = `(${(FIRST_DAY + day) * DAY_MS} + i * ${DAY_MS} // ${daily})`;
      const delay = `CASE WHEN hash(i + ${day}) % 100 = 0
        THEN hash(i * 3) % 14400000 ELSE hash(i) % 5000 END`;
      await this.#add(session, FIRST_DAY + day, daily, arrivals, delay);
    }
    session.close();
  }

  /** Late events of one day in the middle, as one more commit. */
  async addLate(count: number): Promise<void> {
    const session = await DuckDbSession.open();
    const delay = `${(this.days / 2) * DAY_MS} + i % 1000`;
    const arrivals = `(${(FIRST_DAY + this.days) * DAY_MS + this.#commit})`;
    await this.#add(session, FIRST_DAY + this.days, count, arrivals, delay);
    session.close();
  }

  async #add(session: DuckDbSession, day: number, count: number, arrivals: string, delay: string) {
    const commits = Math.ceil(count / EVENTS_PER_COMMIT);
    const first = { commit: this.#commit + 1, offset: this.#offset };
    this.#commit += commits;
    this.#offset += count;
    const last = { commit: this.#commit, offset: this.#offset - 1 };
    const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
    const path = `archive/payments/arrival_date=${date}/${first.commit}-${last.commit}.parquet`;
    mkdirSync(dirname(join(this.dataDir, path)), { recursive: true });
    // Few users have many payments: the first tenth of them nearly half.
    const user = `'user' || CAST(floor(${KEYS} * pow((hash(i * 5 + ${this.#offset}) % 1000003) / 1000003, 3)) AS BIGINT)`;
    await session.run(`COPY (SELECT (${first.commit} + i // ${EVENTS_PER_COMMIT})::BIGINT AS __commit,
        0::INTEGER AS __partition, (${first.offset} + i)::BIGINT AS __offset,
        (${arrivals} - ${delay})::BIGINT AS __event_time, ${arrivals}::BIGINT AS __arrival_time,
        ${user} AS "user", (hash(i * 11 + ${day}) % 100000)::BIGINT AS amount,
        (${arrivals} - ${delay})::BIGINT AS "at"
      FROM range(${count}) AS x(i)) TO ${sqlString(join(this.dataDir, path))}
      (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880)`);
    const schema = schemaFingerprint(target.source);
    const [times] = await session.rows(`SELECT min(__event_time), max(__event_time),
      min(__arrival_time), max(__arrival_time)
      FROM read_parquet(${sqlString(join(this.dataDir, path))})`);
    const [minEvent, maxEvent, minArrival, maxArrival] = present(times, 'a row').map(Number);
    const file: ArchiveFile = {
      path,
      arrivalDate: date,
      first,
      last,
      rows: count,
      bytes: 1,
      minEventTimeMs: present(minEvent, 'a time'),
      maxEventTimeMs: present(maxEvent, 'a time'),
      minArrivalTimeMs: present(minArrival, 'a time'),
      maxArrivalTimeMs: present(maxArrival, 'a time'),
      schema,
    };
    const columns = target.source.columns.map(({ name, type }) => ({ name, type }));
    const catalog = this.#files.openCatalog();
    catalog.change({
      archivedCommit: this.#commit,
      schemas: { [schema]: columns },
      added: { payments: [file] },
    });
    catalog.close();
  }

  world(catalog: OfflineCatalog, memoryBytes: number): BackfillWorld {
    const { dataDir } = this;
    return {
      dataDir,
      catalog,
      builder: tileBuilder(plan),
      prepare: prepareTiles,
      clock: systemClock,
      stopwatchMs: () => performance.now(),
      pause,
      every: (everyMs, tick) => {
        const timer = setInterval(tick, everyMs);
        return () => clearInterval(timer);
      },
      openHistory: (throughCommit) =>
        History.open({
          dataDir,
          log: NO_LOG,
          schemaOf: () => target.source,
          ...(throughCommit === undefined ? {} : { throughCommit }),
        }),
      rowsAtLeast: () => this.#offset,
      fileRanges: () => this.#files.readManifest().sources.payments ?? [],
      duckdb: { memoryBytes, threads: 2, spillFolder: join(dataDir, 'spill') },
      owner: 'bench',
      isGone: () => false,
      arrivalClock: false,
      graceMs: () => DAY_MS,
      datasetsReading: () => [],
    };
  }

  catalog(): OfflineCatalog {
    return OfflineCatalog.open(this.dataDir, systemClock);
  }
}
