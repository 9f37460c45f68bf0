import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { Project } from './project.ts';

test('letters of a connector show file and line, in the list and as columns of exports', async (t) => {
  const project = Project.create(t);
  mkdirSync(join(project.folder, 'inbox'));
  const reader = {
    name: 'csv_in',
    type: 'files',
    source: 'payments',
    path: 'inbox/',
    format: 'csv',
  };
  project.write('asof.json', JSON.stringify({ port: 0, connectors: [{ ...reader, settleMs: 0 }] }));
  const lines = ['payment,card,at', 'p1,"stray,2024-01-01T00:00:00Z', 'p2,c1,yesterday'];
  project.write(join('inbox', 'a.csv'), `${lines.join('\n')}\n`);
  const server = await project.server('dev');
  const at = ['--url', `${server.url}/`];
  for (let count = 0; count < 2; ) {
    count = (await project.json(['deadletters', 'count', 'payments', ...at])).result.count;
  }
  const { stdout } = await project.run(['deadletters', 'list', 'payments', ...at]);
  assert.match(stdout, /a\.csv:3, read by csv_in\n/);
  assert.match(
    stdout,
    /unreadable_row\n.*never closed\.\n {4}at a\.csv:2, read by csv_in\n {4}only its source can correct it/,
  );
  assert.equal(stdout.match(/only its source/g)?.length, 1);
  const again = await project.run(['deadletters', 'readmit', 'payments', ...at]);
  assert.match(again.stdout, /unreadable_row +Only the source can correct it: mend it at a\.csv:2/);
  const [csv, parquet] = ['csv', 'parquet'].map((kind) => join(project.folder, `letters.${kind}`));
  for (const out of [csv, parquet]) {
    await project.json(['deadletters', 'export', 'payments', '--out', String(out), ...at]);
  }
  const [header, first] = readFileSync(String(csv), 'utf8').split('\n');
  assert.match(header ?? '', /,raw,connector,place$/);
  assert.match(first ?? '', /,csv_in,a\.csv:2$/);
  const session = await DuckDbSession.open();
  const rows = await session.rows(`SELECT connector, place FROM '${parquet}' ORDER BY place`);
  session.close();
  assert.deepEqual(rows, [
    ['csv_in', 'a.csv:2'],
    ['csv_in', 'a.csv:3'],
  ]);
});
