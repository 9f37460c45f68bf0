import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { present } from '../base/assert.ts';
import { AsofError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import { Archive } from './archive.ts';
import {
  assertSameBatches,
  clicks,
  collect,
  flights,
  knownSchema,
  ListLog,
  orders,
  randomBatches,
  temporaryFolder,
} from './archive-cases.test.ts';
import { ArchiveFiles } from './archive-files.ts';
import type { ArchiveStep } from './archive-parquet.ts';
import { History } from './history.ts';
import { filesWithin } from './history-files.ts';

interface RunOptions {
  readonly through?: number;
  readonly stageRows?: number;
  readonly onStep?: (step: ArchiveStep) => void;
}

async function archiveAll(dataDir: string, log: ListLog, run: RunOptions = {}): Promise<number> {
  const { stageRows = 1000, onStep = () => {} } = run;
  const archive = await Archive.open({ dataDir, source: log, stageRows, onStep, threads: 1 });
  try {
    const report = await archive.archiveThrough(run.through ?? log.lastCommit());
    assert.equal(report.archivedCommit, archive.archivedCommit);
    return report.archivedCommit;
  } finally {
    archive.close();
  }
}

async function readAll(dataDir: string): Promise<EventBatch[]> {
  const log = new ListLog([]);
  const history = await History.open({ dataDir, log, schemaOf: knownSchema });
  return collect(history.batches());
}

function parquetFiles(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'archive'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .filter((name) => /\.parquet/.test(name));
}

test('random batches come back from Parquet bit for bit', async (context) => {
  for (const seed of [1, 2, 3]) {
    context.diagnostic(`seed ${seed}`);
    const dataDir = temporaryFolder(context);
    const options = { commits: 8, maxRows: 3000, sources: [flights, clicks, orders] };
    const batches = randomBatches(seededRandom(seed), options);
    const archived = await archiveAll(dataDir, new ListLog(batches), { stageRows: 5000 });
    assert.equal(archived, 8);
    assertSameBatches(await readAll(dataDir), batches);
  }
});

test('a file lies under its source and arrival date, named by its commits', async (context) => {
  const dataDir = temporaryFolder(context);
  const [batch] = randomBatches(seededRandom(5), { commits: 1, maxRows: 10, sources: [clicks] });
  const dayMs = Date.UTC(2026, 1, 28);
  const arrivalTimeMs = Float64Array.from([dayMs - 1, dayMs, dayMs + 86_399_999]);
  const columns = [0, 1].map(() => ({
    kind: 'number' as const,
    type: { kind: 'int64' as const },
    values: new Float64Array(3),
    wide: null,
    valid: null,
  }));
  const eventTimeMs = arrivalTimeMs;
  await archiveAll(
    dataDir,
    new ListLog([{ ...present(batch, 'one'), count: 3, eventTimeMs, arrivalTimeMs, columns }]),
  );
  const files = new ArchiveFiles(dataDir).readManifest().sources.clicks ?? [];
  assert.deepEqual(
    files.map(({ path, rows, minArrivalTimeMs }) => ({ path, rows, minArrivalTimeMs })),
    [
      {
        path: 'archive/clicks/arrival_date=2026-02-27/1-1.parquet',
        rows: 1,
        minArrivalTimeMs: dayMs - 1,
      },
      {
        path: 'archive/clicks/arrival_date=2026-02-28/1-1.parquet',
        rows: 2,
        minArrivalTimeMs: dayMs,
      },
    ],
  );
  assert.deepEqual(files[1]?.first, { commit: 1, offset: 1 });
  assert.deepEqual(files[1]?.last, { commit: 1, offset: 2 });
});

test('an empty log makes an empty archive, and none at all of files', async (context) => {
  const dataDir = temporaryFolder(context);
  assert.equal(await archiveAll(dataDir, new ListLog([]), { through: 10 }), 0);
  assert.deepEqual(await readAll(dataDir), []);
  assert.deepEqual(parquetFiles(dataDir), []);
});

/** Runs until the step with this number, then stops as a crash would. */
async function crashAtStep(dataDir: string, log: ListLog, number: number): Promise<boolean> {
  let seen = 0;
  const onStep = (): void => {
    seen += 1;
    if (seen === number) throw new Error('the power went');
  };
  try {
    await archiveAll(dataDir, log, { onStep });
    return false;
  } catch (error) {
    assert.match(String(error), /the power went/);
    return true;
  }
}

test('a crash at any step loses nothing and doubles nothing', async (context) => {
  const options = { commits: 7, maxRows: 80, sources: [flights, clicks, orders] };
  const batches = randomBatches(seededRandom(6), options);
  let crashes = 0;
  for (let step = 1; ; step += 1) {
    const dataDir = temporaryFolder(context);
    if (!(await crashAtStep(dataDir, new ListLog(batches), step))) break;
    crashes += 1;
    const archived = new ArchiveFiles(dataDir).readManifest().archivedCommit;
    assertSameBatches(await readAll(dataDir), batches.slice(0, archived));
    await archiveAll(dataDir, new ListLog(batches.slice(archived)));
    await checkWhole(dataDir, batches);
  }
  assert.ok(crashes > 10, `${crashes} steps`);
});

async function checkWhole(dataDir: string, batches: readonly EventBatch[]): Promise<void> {
  assertSameBatches(await readAll(dataDir), batches);
  const named = Object.values(new ArchiveFiles(dataDir).readManifest().sources).flat();
  assert.equal(parquetFiles(dataDir).length, named.length);
}

test('what nothing names is found by a search, and by nobody else', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 3, maxRows: 50, sources: [clicks] };
  const batches = randomBatches(seededRandom(7), options);
  await archiveAll(dataDir, new ListLog(batches));
  const gone = 'archive/gone/arrival_date=2026-01-01';
  mkdirSync(join(dataDir, gone), { recursive: true });
  writeFileSync(join(dataDir, gone, '1-2.parquet'), 'half');
  writeFileSync(join(dataDir, gone, '3-4.parquet.unfinished'), 'half');
  const files = new ArchiveFiles(dataDir);
  const catalog = files.openCatalog();
  assert.deepEqual(files.orphans(catalog, 0), []);
  assert.deepEqual(files.orphans(catalog, Number.POSITIVE_INFINITY).toSorted(), [
    `${gone}/1-2.parquet`,
    `${gone}/3-4.parquet.unfinished`,
  ]);
  catalog.close();
});

test('one writer at a time, whichever process it is in', async (context) => {
  const dataDir = temporaryFolder(context);
  const archive = await Archive.open({ dataDir, source: new ListLog([]) });
  assert.equal(await refusal(archiveAll(dataDir, new ListLog([]))), 'run_conflict');
  archive.close();
  await archiveAll(dataDir, new ListLog([]));
});

test('running again changes nothing, and goes on where it ended', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 9, maxRows: 300, sources: [flights, clicks, orders] };
  const batches = randomBatches(seededRandom(8), options);
  for (const through of [4, 4, 2, 7, 100, 100]) {
    await archiveAll(dataDir, new ListLog(batches), { through });
  }
  await checkWhole(dataDir, batches);
});

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AsofError, String(error));
  return error.code;
}

test('a gap between archive and log is refused', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 6, maxRows: 20, sources: [clicks] };
  const batches = randomBatches(seededRandom(9), options);
  await archiveAll(dataDir, new ListLog(batches), { through: 2 });
  assert.equal(await refusal(archiveAll(dataDir, new ListLog(batches.slice(3)))), 'corrupt_log');
});

async function refusalOf(context: TestContext, name: string, text: string): Promise<string> {
  const dataDir = temporaryFolder(context);
  mkdirSync(join(dataDir, 'archive'));
  writeFileSync(join(dataDir, 'archive', name), text);
  return refusal(archiveAll(dataDir, new ListLog([])));
}

test('a catalog or manifest that is damaged or newer is refused, never guessed at', async (context) => {
  const good = '{"format":1,"archivedCommit":0,"schemas":{},"sources":{},"retired":[]}';
  const manifest = (text: string) => refusalOf(context, 'manifest.json', text);
  assert.equal(await manifest(good.slice(0, 40)), 'corrupt_archive');
  assert.equal(await manifest(good.replace(':0', ':"x"')), 'corrupt_archive');
  assert.equal(await manifest(good.replace('1', '2')), 'newer_format');
  const junk = 'this is no database of any kind, however long it is. '.repeat(40);
  assert.equal(await refusalOf(context, 'catalog.db', junk), 'corrupt_archive');
  const dataDir = temporaryFolder(context);
  await archiveAll(dataDir, new ListLog([]));
  const newer = new DatabaseSync(join(dataDir, 'archive/catalog.db'));
  newer.exec('PRAGMA user_version = 9');
  newer.close();
  assert.equal(await refusal(archiveAll(dataDir, new ListLog([]))), 'newer_format');
  assert.equal(await refusal(readAll(dataDir)), 'newer_format');
});

/** The archive of a data directory in the form that it had before there was a catalog. */
function asManifest(dataDir: string): string {
  const { revision: _, ...manifest } = new ArchiveFiles(dataDir).readManifest();
  rmSync(join(dataDir, 'archive/catalog.db'));
  writeFileSync(join(dataDir, 'archive/manifest.json'), JSON.stringify(manifest));
  return JSON.stringify(manifest.sources);
}

test('an archive with a manifest is read as it is, and has a catalog once it is written', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 8, maxRows: 60, sources: [flights, clicks, orders] };
  const batches = randomBatches(seededRandom(10), options);
  await archiveAll(dataDir, new ListLog(batches), { through: 5 });
  const sources = asManifest(dataDir);
  assertSameBatches(await readAll(dataDir), batches.slice(0, 5));
  assert.equal(existsSync(join(dataDir, 'archive/catalog.db')), false);
  // A crash right after the file was made: what was before still holds.
  new DatabaseSync(join(dataDir, 'archive/catalog.db')).close();
  assert.equal(new ArchiveFiles(dataDir).archivedCommit(), 5);
  await archiveAll(dataDir, new ListLog(batches), { through: 5 });
  assert.equal(existsSync(join(dataDir, 'archive/manifest.json')), false);
  assert.equal(JSON.stringify(new ArchiveFiles(dataDir).readManifest().sources), sources);
  await archiveAll(dataDir, new ListLog(batches));
  await checkWhole(dataDir, batches);
});

test('a range of the archive lists the files that can hold it, and no others', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 12, maxRows: 40, sources: [flights, clicks] };
  const batches = randomBatches(seededRandom(11), options);
  for (let through = 1; through <= 12; through += 1) {
    await archiveAll(dataDir, new ListLog(batches), { through });
  }
  const files = new ArchiveFiles(dataDir);
  const all = files.readManifest();
  for (const source of ['flights', 'clicks', 'none']) {
    for (let afterCommit = 0; afterCommit <= 12; afterCommit += 3) {
      for (let throughCommit = afterCommit; throughCommit <= 13; throughCommit += 2) {
        const found = files.readManifest({ source, afterCommit, throughCommit });
        const range = { afterCommit, throughCommit };
        assert.deepEqual(found.sources[source] ?? [], filesWithin(all, source, range));
        assert.equal(found.archivedCommit, 12);
      }
    }
  }
});
