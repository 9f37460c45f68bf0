import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatasetManifest } from './dataset-manifest.ts';
import { DatasetBook } from './datasets.ts';
import { openDatabase } from './open-database.ts';

function begin(book: DatasetBook, name: string) {
  return book.begin({ name, author: 'jan', createdMs: 5, generation: 1, throughCommit: 7 });
}

function manifest(name: string, number: number): DatasetManifest {
  return {
    name,
    number,
    createdMs: 5,
    author: 'jan',
    service: { name: 's', version: 1 },
    definition: null,
    generation: 1,
    hashes: {},
    position: { commit: 7, archivedCommit: 3 },
    spine: {
      kind: 'file',
      origin: 'spine.csv',
      path: `datasets/${name}/${number}/spine.parquet`,
      sha256: 'a',
      columns: [],
      timeColumn: 't',
      rows: 1,
      nullKeys: 0,
      nullTimes: 0,
      kept: null,
      table: [],
    },
    options: {
      known: 'serving',
      servingDelayMs: 0,
      statuses: false,
      prefix: '',
      time: null,
      before: false,
      format: '.csv',
    },
    code: { asof: '1', duckdb: '1' },
    rows: 1,
    columns: [],
    output: { path: 'out.csv', bytes: 1, sha256: 'b' },
    contentChecksum: 'c',
  };
}

test('a number is taken at once, a dataset is there once all of it is, and no number comes twice', async () => {
  const book = new DatasetBook(await openDatabase({ kind: 'sqlite', path: ':memory:' }));
  assert.equal((await begin(book, 'a')).number, 1);
  // As after a crash between the steps: nobody sees it, its number is gone, its history is held.
  assert.deepEqual(await book.list(), []);
  assert.equal((await begin(book, 'a')).number, 2);
  assert.equal((await begin(book, 'b')).number, 1);
  await book.finish(manifest('a', 2));
  assert.deepEqual(
    (await book.list()).map(({ number }) => number),
    [2],
  );
  assert.deepEqual(
    (await book.claims()).map(({ name, number, state }) => [name, number, state]),
    [
      ['a', 1, 'building'],
      ['a', 2, 'live'],
      ['b', 1, 'building'],
    ],
  );
  // Given up by housekeeping meanwhile: it does not come to life after all.
  await book.abandon('b', 1, 9);
  await assert.rejects(book.finish(manifest('b', 1)), { code: 'dataset_unavailable' });
  await assert.rejects(book.finish(manifest('a', 2)), { code: 'dataset_unavailable' });
  await book.abandon('a', 2, 9);
  assert.equal((await book.get('a')).number, 2, 'what lives is not given up');
  await book.delete('a', 2, 10);
  await assert.rejects(book.get('a'), { code: 'unknown_name' });
  assert.equal((await begin(book, 'a')).number, 3);
});

test('the newest number is meant without one; unknown names are answered with near ones', async () => {
  const book = new DatasetBook(await openDatabase({ kind: 'sqlite', path: ':memory:' }));
  for (const number of [1, 2, 3]) {
    await begin(book, 'fraud');
    await book.finish(manifest('fraud', number));
  }
  assert.equal((await book.get('fraud')).number, 3);
  assert.deepEqual(await book.get('fraud', 2), manifest('fraud', 2));
  await assert.rejects(book.get('fraud', 4), /There is: 1, 2, 3/);
  await assert.rejects(book.get('frauds'), /Did you mean 'fraud'\?/);
});
