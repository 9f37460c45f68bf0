import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { folder, open, part } from './offline-catalog.fixture.ts';
import { OfflineFiles } from './offline-files.ts';

test('only files that nothing names, and that are old, are orphans', async (context) => {
  const dataDir = folder(context);
  const files = new OfflineFiles(dataDir);
  const write = async (path: string): Promise<void> => {
    await files.write(path, async () => writeFileSync(files.unfinished(path), path));
  };
  for (const name of ['live', 'orphan', 'young']) await write(`offline/tiles/${name}.parquet`);
  writeFileSync(files.unfinished('offline/tiles/half.parquet'), '');
  for (const name of ['live.parquet', 'orphan.parquet', 'half.parquet.unfinished']) {
    utimesSync(files.real(`offline/tiles/${name}`), 1, 1);
  }
  const catalog = open(context, dataDir);
  catalog.partitions.publish({
    subject: 's',
    expectedGeneration: 0,
    throughCommit: 5,
    partitions: new Map([['p', [part('offline/tiles/live.parquet')]]]),
  });
  assert.deepEqual(files.orphans(catalog.namedPaths(), 5000), [
    'offline/tiles/half.parquet.unfinished',
    'offline/tiles/orphan.parquet',
  ]);
});
