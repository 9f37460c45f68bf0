import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { NodeDisk } from '../base/node-disk.ts';
import { seededRandom } from '../base/random.ts';
import type { EventBatch } from '../schema/batch.ts';
import { projectBatch } from '../schema/project-batch.ts';
import type { SourceSchema } from '../schema/types.ts';
import {
  assertSameBatches,
  clicks,
  collect,
  EVERY_TYPE,
  flights,
  orders,
  randomBatches,
  sourceOf,
  temporaryFolder,
} from './archive-cases.test.ts';
import { archiveInThread } from './archive-thread.ts';
import { History } from './history.ts';
import { segmentLog } from './history-log.ts';
import { EventLog } from './log.ts';

const { happened, amount } = EVERY_TYPE;
/** A column dropped, one added. */
const laterClicks = sourceOf('clicks', { happened, note: { kind: 'string' } });

async function readBatches(
  dataDir: string,
  schemas: readonly SourceSchema[],
): Promise<EventBatch[]> {
  const schemaOf = (name: string): SourceSchema | undefined =>
    schemas.find((schema) => schema.name === name);
  const log = segmentLog(new NodeDisk(dataDir));
  return collect((await History.open({ dataDir, log, schemaOf })).batches());
}

test('a thread archives the real log, which is then cut, and history stays whole', async (context) => {
  const dataDir = temporaryFolder(context);
  const options = { commits: 20, maxRows: 200, sources: [flights, clicks] };
  const batches = randomBatches(seededRandom(31), options);
  const disk = new NodeDisk(dataDir);
  const limits = { segmentBytes: 4096 };
  const log = await EventLog.open({ disk, schemas: [flights, clicks], limits });
  context.after(() => log.close());
  for (const batch of batches) assertSameBatches(await log.append([batch]), [batch]);

  for (const throughCommit of [7, 7, 15]) {
    assertSameBatches(await readBatches(dataDir, [flights, clicks]), batches);
    const report = await archiveInThread({
      dataDir,
      throughCommit,
      onArchived: (commit) => log.cutThrough(commit),
    });
    assert.equal(report.archivedCommit, throughCommit);
  }
  assert.ok(log.firstCommit > 7, `the log begins at ${log.firstCommit}`);
  assertSameBatches(await readBatches(dataDir, [flights, clicks]), batches);

  log.setSchemas([flights, laterClicks]);
  const later = randomBatches(seededRandom(32), { ...options, sources: [laterClicks] });
  const logged: EventBatch[] = [];
  for (const batch of later) logged.push(...(await log.append([batch])));
  await archiveInThread({ dataDir, throughCommit: 30, onArchived: (to) => log.cutThrough(to) });
  const old = batches.map((batch) =>
    batch.source === 'clicks' ? projectBatch(batch, clicks, laterClicks) : batch,
  );
  assertSameBatches(await readBatches(dataDir, [flights, laterClicks]), [...old, ...logged]);

  // The dropped column is still in the files: declared again, it is what it was.
  const both = sourceOf('clicks', { happened, n: amount, note: { kind: 'string' } });
  const again = batches.map((batch) =>
    batch.source === 'clicks' ? projectBatch(batch, clicks, both) : batch,
  );
  const read = await readBatches(dataDir, [flights, both]);
  assertSameBatches(read.slice(0, batches.length), again);
});

test('what rows of a table take back is still taken back in the archive', async (context) => {
  const dataDir = temporaryFolder(context);
  const changing: SourceSchema = { ...orders, name: 'prices' };
  const table: SourceSchema = { ...changing, changes: null, table: { keep: 2 } };
  const options = { commits: 8, maxRows: 40, sources: [changing] };
  const batches = randomBatches(seededRandom(9), options);
  assert.ok(batches.some(({ retractions }) => retractions !== undefined));
  const log = await EventLog.open({ disk: new NodeDisk(dataDir), schemas: [table] });
  context.after(() => log.close());
  for (const batch of batches) await log.append([batch]);
  // The thread knows of the table what the log has written down, and nothing else.
  await archiveInThread({ dataDir, throughCommit: 8 });
  assertSameBatches(await readBatches(dataDir, [table]), batches);
});

test('what fails in the thread fails here, with its code', async (context) => {
  const dataDir = temporaryFolder(context);
  const disk = new NodeDisk(dataDir);
  disk.makeFolder('archive');
  disk.replace('archive/manifest.json', new TextEncoder().encode('{'));
  await assert.rejects(
    archiveInThread({ dataDir, throughCommit: 1 }),
    (error: unknown) => error instanceof AsofError && error.code === 'corrupt_archive',
  );
});
