import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AsofError } from '../base/errors.ts';
import { temporaryFolder } from './archive-cases.test.ts';
import { DuckDbSession } from './duckdb-session.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AsofError, String(error));
  return error.code;
}

const SORT = 'CREATE OR REPLACE TABLE t AS SELECT hash(i) h, i FROM range(3000000) s(i) ORDER BY h';

test('what DuckDB says is answered with a code of ours', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'text.parquet'), 'this is no Parquet file');
  const session = await DuckDbSession.open({ threads: 1 });
  context.after(() => session.close());
  const read = (name: string): string => `SELECT * FROM read_parquet('${join(folder, name)}')`;
  assert.equal(await codeOf(session.run(read('none.parquet'))), 'file_not_found');
  assert.equal(await codeOf(session.run(read('text.parquet'))), 'unreadable_file');
  assert.equal(await codeOf(session.run('SELECT * FROM nothing')), 'internal');
  assert.equal(await codeOf(session.chunks(read('none.parquet')).next()), 'file_not_found');
});

test('memory is bounded: more is spilled, or refused where there is nowhere to', async (context) => {
  const memoryBytes = 48 * 1024 * 1024;
  const spillFolder = join(temporaryFolder(context), 'spill');
  const spilling = await DuckDbSession.open({ threads: 1, memoryBytes, spillFolder });
  context.after(() => spilling.close());
  await spilling.run(SORT);
  const bounded = await DuckDbSession.open({ threads: 1, memoryBytes });
  context.after(() => bounded.close());
  await bounded.run("SET temp_directory = ''");
  assert.equal(await codeOf(bounded.run(SORT)), 'out_of_memory');
});

test('times are UTC, whatever the machine says', async (context) => {
  const session = await DuckDbSession.open();
  context.after(() => session.close());
  const rows = await session.rows("SELECT current_setting('TimeZone')");
  assert.deepEqual(rows, [['UTC']]);
  const second = await session.connect();
  assert.deepEqual(await second.rows("SELECT current_setting('TimeZone')"), [['UTC']]);
  second.close();
});

test('progress rises while a statement runs, and polling ends with it', async (context) => {
  let tick = (): void => {};
  let isPolling = false;
  const every = (_everyMs: number, call: () => void): (() => void) => {
    isPolling = true;
    tick = call;
    return () => {
      isPolling = false;
    };
  };
  const session = await DuckDbSession.open({ threads: 1, every });
  context.after(() => session.close());
  await session.run('CREATE TABLE numbers AS SELECT * FROM range(4000000) s(i)');
  const shares: number[] = [];
  const onProgress = (share: number): number => shares.push(share);
  let isDone = false;
  const running = session
    .run('SELECT sum(hash(i::VARCHAR || i::VARCHAR)) FROM numbers', { onProgress })
    .finally(() => {
      isDone = true;
    });
  while (!isDone) {
    tick();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await running;
  assert.equal(isPolling, false);
  assert.ok(shares.length > 0, 'it was seen to advance');
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
});

test('a signal stops a statement with its own reason', async (context) => {
  const session = await DuckDbSession.open({ threads: 1 });
  context.after(() => session.close());
  const controller = new AbortController();
  const running = session.run('SELECT sum(hash(i)) FROM range(100000000000) s(i)', {
    signal: controller.signal,
  });
  setImmediate(() => controller.abort(new Error('nobody waits any more')));
  await assert.rejects(running, /nobody waits any more/);
  assert.deepEqual(await session.rows('SELECT 1'), [[1]]);
});
