import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import { Archive } from './archive.ts';
import {
  assertSameBatches,
  collect,
  knownSchema,
  ListLog,
  orders,
  randomBatches,
  temporaryFolder,
} from './archive-cases.test.ts';
import { compactArchive } from './archive-compact.ts';
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

test('events from before their source had changes weigh 1 and stand for themselves', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 4, maxRows: 50, sources: [{ ...orders, changes: null }] };
  const before = randomBatches(seededRandom(8), options);
  const after = randomBatches(seededRandom(9), { commits: 8, maxRows: 50, sources: [orders] })
    .slice(4)
    .map((batch) => ({ ...batch, partition: 2 }));
  assert.ok(after.some(({ retractions }) => retractions !== undefined));
  let first = 0;
  const dense = after.map((batch) => {
    const moved = moveTo(batch, first);
    first += batch.count;
    return moved;
  });
  const log = new ListLog(before);
  log.schemas = () => () => ({ ...orders, changes: null });
  await archiveThrough(dataDir, log, 4);
  log.batches = [...before, ...dense];
  log.schemas = () => knownSchema;
  await archiveThrough(dataDir, log, 6);
  for (const compacted of [false, true]) {
    if (compacted) await compactArchive({ dataDir, clock: new ManualClock(1) });
    const history = await History.open({ dataDir, log, schemaOf: knownSchema });
    assertSameBatches(await collect(history.batches()), [...before, ...dense]);
    const session = await DuckDbSession.open({ threads: 1 });
    const relation = await history.attach(session.connection, orders);
    const taken = await session.rows(
      `SELECT count(*), sum(__weight), count(*) FILTER (__weight > 0 AND
        (__origin_partition, __origin_offset) IS DISTINCT FROM (__partition, __offset))
       FROM ${relation}`,
    );
    session.close();
    const weights = [...before, ...dense].flatMap(({ count, retractions }) =>
      Array.from({ length: count }, (_, i) => retractions?.weights[i] ?? 1),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    assert.deepEqual(taken[0]?.map(Number), [weights.length, sum, 0]);
  }
});

/** The same rows at other offsets. */
function moveTo(batch: EventBatch, firstOffset: number): EventBatch {
  const { retractions } = batch;
  if (retractions === null || retractions === undefined) return { ...batch, firstOffset };
  const isOwn = (i: number): boolean => (retractions.weights[i] ?? 1) > 0;
  const partitions = retractions.partitions.map((p, i) => (isOwn(i) ? batch.partition : p));
  const offsets = retractions.offsets.map((offset, i) => (isOwn(i) ? firstOffset + i : offset));
  return { ...batch, firstOffset, retractions: { ...retractions, partitions, offsets } };
}
