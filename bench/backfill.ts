import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tileWidthMs } from '../src/aggregate/tile-format.ts';
import { runBackfill } from '../src/batch/backfill/backfill.ts';
import type { GroupReport } from '../src/batch/backfill/group-run.ts';
import type { BackfillLimits } from '../src/batch/backfill/world.ts';
import { readParquet, sqlString } from '../src/ingest/archive-relation.ts';
import { DuckDbSession } from '../src/ingest/duckdb-session.ts';
import type { OfflineCatalog } from '../src/store/offline-catalog.ts';
import { ArchivedPayments, target } from './backfill-world.ts';
import { type BenchOptions, benchOptions, compare, type Measurement, report } from './harness.ts';

const MEMORY_BYTES = 6 * 2 ** 30;
/** An incremental run may take so many times its share of a full one's time. */
const INCREMENTAL_FACTOR = 5;
/** Late events come into so many days. */
const CHANGED_DAYS = 1;

function limitsOf(force: boolean): BackfillLimits {
  return {
    parallel: 1,
    rowsPerSecond: null,
    offPeak: null,
    fromDay: null,
    throughDay: null,
    quotaOf: () => ({ owner: 'bench', rowsPerDay: null, bytes: null }),
    force,
    signal: new AbortController().signal,
    onProgress: () => {},
  };
}

interface World {
  readonly payments: ArchivedPayments;
  readonly catalog: OfflineCatalog;
  /** The file that the hand-written query writes. */
  readonly raw: string;
}

async function backfill({ payments, catalog }: World, force: boolean): Promise<GroupReport> {
  const world = payments.world(catalog, MEMORY_BYTES);
  const [done] = await runBackfill(world, [target], limitsOf(force), 'backfill');
  assert.equal(done?.status, 'published');
  return done;
}

/**
 * What a good engineer writes by hand: one statement over all files, the same aggregates of each key
 * and tile, in no order, as one file. It finds nothing, checks nothing, and can only be run as a whole.
 */
async function handWritten({ payments, raw }: World): Promise<void> {
  const session = await DuckDbSession.open({
    threads: 2,
    memoryBytes: MEMORY_BYTES,
    spillFolder: join(payments.dataDir, 'spill'),
    preserveInsertionOrder: false,
  });
  const width = tileWidthMs(target.group);
  await session.run(`COPY (
    SELECT "user" AS k0, __event_time // ${width} * ${width} AS tile_start_ms, count(*) AS a0,
      count(amount) AS a1, max(amount) AS a2, sum(amount)::BIGINT AS a3
    FROM ${readParquet(payments.paths)} WHERE "user" IS NOT NULL AND "user" <> '' GROUP BY ALL
    ) TO ${sqlString(raw)} (FORMAT parquet)`);
  session.close();
}

/** The tiles of all files are those of the hand-written query, by a sum of hashes. */
async function assertEqual({ payments, catalog, raw }: World): Promise<void> {
  assert.deepEqual(
    target.group.accumulators.map(({ fn }) => fn),
    ['count', 'count', 'max', 'sum'],
  );
  const files = catalog.partitions
    .live(`tiles/${target.group.id}`)
    .flatMap(({ path }) => (path === null ? [] : [join(payments.dataDir, path)]));
  const session = await DuckDbSession.open();
  const sums = `SELECT count(*), sum(hash(k0, tile_start_ms, a0, a1, a2, a3)::HUGEINT)`;
  const [ours] = await session.rows(`${sums} FROM ${readParquet(files)}`);
  const [theirs] = await session.rows(`${sums} FROM ${readParquet([raw])}`);
  session.close();
  assert.deepEqual(ours, theirs);
  assert.ok(Number(ours?.[0]) > payments.events / 10);
}

/** Late events come into one day: only that one is built again. */
async function incremental(
  world: World,
  fullSeconds: number,
  rounds: number,
  options: BenchOptions,
): Promise<Measurement> {
  const seconds: number[] = [];
  const share = (INCREMENTAL_FACTOR * CHANGED_DAYS) / world.payments.days;
  for (let round = -1; round < rounds; round++) {
    await world.payments.addLate(1_000);
    const startMs = performance.now();
    const done = await backfill(world, false);
    if (round >= 0) seconds.push((performance.now() - startMs) / 1000);
    assert.equal(done.days.length, CHANGED_DAYS);
  }
  const measure = {
    measure: 'incremental',
    unit: 's',
    direction: 'time',
    limitName: `${Math.round(100 * share)} % of the time of a full backfill`,
  } as const;
  return report(
    measure,
    seconds,
    seconds.map(() => fullSeconds * share),
    options,
  );
}

/**
 * Tiles of half a million payments a day of 100,000 users, three hours wide: a count, a sum and a
 * maximum, over 100 days, so that a day is 1 % of them and may take 5 % of the time; 6 if quick. Ours
 * plans, counts what must go in, writes a sorted file for each day, makes it durable, checks it and
 * publishes it.
 */
export async function run(options: BenchOptions): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-backfill-'));
  const days = options.quick ? 6 : 100;
  const payments = new ArchivedPayments(folder, days * 500_000, days);
  await payments.write();
  const world = { payments, catalog: payments.catalog(), raw: join(folder, 'raw.parquet') };
  try {
    await backfill(world, true);
    await handWritten(world);
    await assertEqual(world);
    const rounds = options.quick ? 3 : 5;
    const tiles = await compare(
      {
        measure: 'tiles',
        unit: 'M events/s',
        direction: 'rate',
        work: payments.events,
        per: 1e6,
        limitName: 'one hand-written GROUP BY to Parquet, in no order',
        rounds,
        ours: { run: async () => void (await backfill(world, true)) },
        limit: { run: () => handWritten(world) },
      },
      options,
    );
    const fullSeconds = payments.events / tiles.value / 1e6;
    return [tiles, await incremental(world, fullSeconds, rounds, options)];
  } finally {
    world.catalog.close();
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) await run(benchOptions(process.argv.slice(2)));
