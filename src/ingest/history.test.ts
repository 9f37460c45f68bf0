import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import { Archive } from './archive.ts';
import {
  assertSameBatches,
  clicks,
  collect,
  EVERY_TYPE,
  flights,
  knownSchema,
  ListLog,
  orders,
  randomBatches,
  sourceOf,
  temporaryFolder,
} from './archive-cases.test.ts';
import { compactArchive } from './archive-compact.ts';
import { ArchiveFiles } from './archive-files.ts';
import { DuckDbSession } from './duckdb-session.ts';
import { History } from './history.ts';

async function archiveThrough(dataDir: string, log: ListLog, commit: number): Promise<void> {
  const archive = await Archive.open({ dataDir, source: log, stageRows: 300, threads: 1 });
  try {
    await archive.archiveThrough(commit);
  } finally {
    archive.close();
  }
}

/** A number that differs when any value of any row does, whatever the rows' order. */
async function checksum(session: DuckDbSession, relation: string): Promise<unknown[]> {
  const [row = []] = await session.rows(
    `SELECT count(*), sum(hash(COLUMNS(*)::VARCHAR)::HUGEINT) FROM ${relation}`,
  );
  return row;
}

async function checksums(history: History, sources: SourceSchema[]): Promise<unknown[]> {
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    const sums: unknown[] = [];
    for (const relation of await history.attachAll(session.connection, sources)) {
      sums.push(await checksum(session, relation));
    }
    return sums;
  } finally {
    session.close();
  }
}

const cases = { commits: 10, maxRows: 120, sources: [flights, clicks, orders] };

async function openHistory(dataDir: string, log: ListLog, throughCommit = 10): Promise<History> {
  const history = await History.open({ dataDir, log, schemaOf: knownSchema, throughCommit });
  assert.equal(history.through, throughCommit);
  return history;
}

test('every cut between archive and log gives the same relation', async (context) => {
  for (const seed of [11, 12]) {
    context.diagnostic(`seed ${seed}`);
    const batches = randomBatches(seededRandom(seed), cases);
    const dataDir = temporaryFolder(context);
    const log = new ListLog(batches);
    const sources = [flights, clicks, orders];
    const expected = await checksums(await openHistory(dataDir, log), sources);
    for (let cut = 1; cut <= 10; cut += 1) {
      await archiveThrough(dataDir, log, cut);
      if (cut % 3 === 0) log.cutThrough(cut - 1);
      const history = await openHistory(dataDir, log);
      assert.deepEqual(await checksums(history, sources), expected, `cut ${cut}`);
      assertSameBatches(await collect(history.batches()), batches);
    }
  }
});

test('an earlier cut shows the past, wherever the archive ends', async (context) => {
  const batches = randomBatches(seededRandom(13), cases);
  const dataDir = temporaryFolder(context);
  const log = new ListLog(batches);
  const before: unknown[] = [];
  for (let through = 0; through <= 10; through += 1) {
    before.push(await checksums(await openHistory(dataDir, log, through), [flights]));
  }
  await archiveThrough(dataDir, log, 6);
  for (let through = 0; through <= 10; through += 1) {
    const history = await openHistory(dataDir, log, through);
    assert.deepEqual(await checksums(history, [flights]), before[through], `through ${through}`);
    assertSameBatches(await collect(history.batches()), batches.slice(0, through));
  }
});

test('batches of one source, from a time on, begin at a whole batch', async (context) => {
  const batches = randomBatches(seededRandom(14), cases);
  const dataDir = temporaryFolder(context);
  const log = new ListLog(batches);
  await archiveThrough(dataDir, log, 7);
  const history = await openHistory(dataDir, log);
  for (const { arrivalTimeMs } of batches) {
    const fromArrivalMs = arrivalTimeMs[0] ?? 0;
    for (const source of ['flights', 'clicks']) {
      const own = batches.filter((batch) => batch.source === source);
      const isLate = (batch: EventBatch): boolean =>
        batch.arrivalTimeMs.some((timeMs) => timeMs >= fromArrivalMs);
      const first = own.findIndex(isLate);
      const read = await collect(history.batches({ source, fromArrivalMs }));
      assertSameBatches(read, first < 0 ? [] : own.slice(first));
    }
  }
});

test('a source without events is an empty relation of the declared types', async (context) => {
  const history = await openHistory(temporaryFolder(context), new ListLog([]), 0);
  const session = await DuckDbSession.open();
  try {
    const relation = await history.attach(session.connection, flights);
    const described = await session.rows(
      `SELECT column_name, column_type FROM (DESCRIBE ${relation})`,
    );
    assert.deepEqual(described, [
      ['__commit', 'BIGINT'],
      ['__partition', 'INTEGER'],
      ['__offset', 'BIGINT'],
      ['__event_time', 'BIGINT'],
      ['__arrival_time', 'BIGINT'],
      ['happened', 'BIGINT'],
      ['amount', 'BIGINT'],
      ['price', 'BIGINT'],
      ['ratio', 'DOUBLE'],
      ['order', 'BOOLEAN'],
      ['select', 'VARCHAR'],
      ['place', 'FLOAT[3]'],
    ]);
    assert.deepEqual(await session.rows(`SELECT count(*) FROM ${relation}`), [[0n]]);
  } finally {
    session.close();
  }
});

test('columns added later are null before, dropped ones are gone', async (context) => {
  const dataDir = temporaryFolder(context);
  const log = new ListLog(randomBatches(seededRandom(15), { ...cases, sources: [flights] }));
  await archiveThrough(dataDir, log, 10);
  const { happened, amount, place } = EVERY_TYPE;
  const later = sourceOf('flights', { note: { kind: 'string' }, happened, place, amount });
  const schemaOf = (): SourceSchema => later;
  const history = await History.open({ dataDir, log: new ListLog([]), schemaOf });
  const read = await collect(history.batches());
  for (const [index, batch] of read.entries()) {
    const before = log.batches[index];
    const [note, ...others] = batch.columns;
    assert.deepEqual(
      others,
      [0, 6, 1].map((column) => before?.columns[column]),
    );
    assert.deepEqual(note?.valid, new Uint8Array(batch.count));
  }
  const session = await DuckDbSession.open();
  try {
    const relation = await history.attach(session.connection, later);
    const counts = await session.rows(`SELECT count(*) > 0, count(note) FROM ${relation}`);
    assert.deepEqual(counts, [[true, 0n]]);
  } finally {
    session.close();
  }
});

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof AsofError) return error.code;
    throw error;
  }
  return 'none';
}

test('a column that changed its type is refused by name', async (context) => {
  const dataDir = temporaryFolder(context);
  const log = new ListLog(randomBatches(seededRandom(16), { ...cases, sources: [clicks] }));
  await archiveThrough(dataDir, log, 10);
  const changed = sourceOf('clicks', { n: { kind: 'string' } });
  const schemaOf = (): SourceSchema => changed;
  const history = await History.open({ dataDir, log, schemaOf });
  assert.equal(await codeOf(() => collect(history.batches())), 'type_mismatch');
});

test('a log that is cut while it is read is no hole: the archive has it', async (context) => {
  const batches = randomBatches(seededRandom(17), cases);
  const dataDir = temporaryFolder(context);
  const log = new ListLog(batches);
  const history = await openHistory(dataDir, log);
  const read: EventBatch[] = [];
  for await (const batch of history.batches()) {
    read.push(batch);
    if (batch.commit === 3) {
      await archiveThrough(dataDir, log, 8);
      log.cutThrough(8);
    }
  }
  assertSameBatches(read, batches);
});

test('commits that neither archive nor log has are reported', async (context) => {
  const batches = randomBatches(seededRandom(18), cases);
  const dataDir = temporaryFolder(context);
  const log = new ListLog(batches);
  await archiveThrough(dataDir, log, 4);
  log.cutThrough(5);
  const history = await openHistory(dataDir, log);
  assert.equal(await codeOf(() => collect(history.batches())), 'corrupt_log');
  assert.equal(await codeOf(() => checksums(history, [flights])), 'corrupt_log');
});

async function archivedInPieces(context: TestContext): Promise<[string, EventBatch[]]> {
  const batches = randomBatches(seededRandom(19), cases);
  const dataDir = temporaryFolder(context);
  for (const commit of [2, 4, 6, 8, 10])
    await archiveThrough(dataDir, new ListLog(batches), commit);
  return [dataDir, batches];
}

test('a lost file is reported as damage', async (context) => {
  const [dataDir] = await archivedInPieces(context);
  const history = await openHistory(dataDir, new ListLog([]));
  const [file] = new ArchiveFiles(dataDir).readManifest().sources.flights ?? [];
  rmSync(join(dataDir, file?.path ?? ''));
  assert.equal(await codeOf(() => collect(history.batches())), 'corrupt_archive');
});

test('compaction keeps every row and leaves one file a date', async (context) => {
  const [dataDir, batches] = await archivedInPieces(context);
  const files = new ArchiveFiles(dataDir);
  const before = Object.values(files.readManifest().sources).flat();
  const report = await compactArchive({ dataDir, clock: { nowMs: () => 1000 }, retiredMs: 500 });
  assert.ok(report.replaced > report.written && report.written > 0, JSON.stringify(report));
  const after = Object.values(files.readManifest().sources).flat();
  assert.equal(after.length, before.length - report.replaced + report.written);
  assert.equal(new Set(after.map((file) => file.path.replace(/[^/]*$/, ''))).size, after.length);
  const history = await openHistory(dataDir, new ListLog([]));
  assertSameBatches(await collect(history.batches()), batches);
  assert.ok(
    before.every((file) => files.exists(file.path)),
    'readers may still have them open',
  );
  await compactArchive({ dataDir, clock: { nowMs: () => 1500 }, retiredMs: 500 });
  assert.equal(
    before.filter((file) => files.exists(file.path)).length,
    before.length - report.replaced,
  );
  assertSameBatches(await collect(history.batches()), batches);
});

test('a reader goes on when compaction takes its files away', async (context) => {
  const [dataDir, batches] = await archivedInPieces(context);
  const history = await openHistory(dataDir, new ListLog([]));
  const read: EventBatch[] = [];
  for await (const batch of history.batches()) {
    read.push(batch);
    if (batch.commit === 1) {
      await compactArchive({ dataDir, clock: { nowMs: () => 1000 }, retiredMs: 0 });
      await compactArchive({ dataDir, clock: { nowMs: () => 1000 }, retiredMs: 0 });
    }
  }
  assertSameBatches(read, batches);
});

test('a crash in compaction leaves the archive as it was, or as it will be', async (context) => {
  for (let step = 1, isDone = false; !isDone; step += 1) {
    const [dataDir, batches] = await archivedInPieces(context);
    let seen = 0;
    const onStep = (): void => {
      seen += 1;
      if (seen === step) throw new Error('the power went');
    };
    try {
      await compactArchive({ dataDir, clock: { nowMs: () => 0 }, retiredMs: 0, onStep });
      isDone = true;
    } catch (error) {
      assert.match(String(error), /the power went/);
    }
    await archiveThrough(dataDir, new ListLog([]), 0);
    const history = await openHistory(dataDir, new ListLog([]));
    assertSameBatches(await collect(history.batches()), batches);
  }
});
