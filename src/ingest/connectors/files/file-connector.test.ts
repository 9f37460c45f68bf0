import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../base/clock.ts';
import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import { CONTRACT_SCHEMA } from '../../../testing/connector-contract.ts';
import { MemoryFolder } from '../../../testing/memory-folder.ts';
import { UnreadableRow } from '../../sourced-rows.ts';
import type { RowBatch } from '../source-connector.ts';
import { FileConnector } from './file-connector.ts';
import type { FileConnectorOptions } from './file-options.ts';
import { NodeFolder } from './watched-folder.ts';

const stopped = new AsofError('not_ready', 'stopped');

/** A folder, and a reader that says what it gives until nothing is new for a while. */
function world(more: Partial<FileConnectorOptions> = {}) {
  const clock = new ManualClock(1_000_000);
  const folder = new MemoryFolder(() => clock.nowMs());
  const taken = new Map<string, string>();
  let pauses = 0;
  const options: FileConnectorOptions = {
    folder,
    schema: CONTRACT_SCHEMA,
    format: 'ndjson',
    suffix: '',
    columns: {},
    delimiter: ',',
    follow: true,
    settleMs: 1_000,
    pollMs: 100,
    clock,
    pause: async (durationMs) => {
      pauses -= 1;
      if (pauses < 0) throw stopped;
      clock.advanceTo(clock.nowMs() + durationMs);
    },
    ...more,
  };
  const read = async (waits: number, atMost = Number.POSITIVE_INFINITY) => {
    pauses = waits;
    const reader = await new FileConnector(options).open(taken, new AbortController().signal);
    const batches: RowBatch[] = [];
    try {
      while (batches.length < atMost) {
        const batch = await reader.next(LIMITS.connectorRows);
        if (batch === null) break;
        batches.push(batch);
        if (batch.token === null) taken.delete(batch.lane);
        else taken.set(batch.lane, batch.token);
      }
    } catch (error) {
      if (error !== stopped) throw error;
    }
    const { problems } = reader.progress();
    await reader.close();
    const rows = batches.flatMap((batch) => batch.rows);
    return { rows, places: rows.map(({ place }) => place), problems, batches };
  };
  return { folder, clock, read, taken };
}

const row = (n: number): string => `${JSON.stringify({ n, at: 1 })}\n`;

test('files are read in the order of their names; hidden and unfinished names never', async () => {
  const { folder, read } = world({ suffix: '.ndjson' });
  folder.put('b.ndjson', row(2) + row(3));
  folder.put('a.ndjson', row(1));
  for (const name of ['.a.ndjson', '_a.ndjson', 'c.ndjson.tmp', 'c.txt']) folder.put(name, row(9));
  assert.deepEqual((await read(0)).places, ['a.ndjson:1', 'b.ndjson:1', 'b.ndjson:2']);
  folder.put('c.ndjson', row(4));
  assert.deepEqual((await read(0)).places, ['c.ndjson:1']);
  assert.deepEqual((await read(20)).places, []);
});

test('an NDJSON file is followed; a line counts once it has its end, or stands still', async () => {
  const { folder, read } = world();
  folder.put('a', `${row(1)}{"n":2,`);
  assert.deepEqual((await read(3)).places, ['a:1']);
  folder.append('a', '"at":1}');
  assert.deepEqual((await read(3)).places, []);
  assert.deepEqual((await read(15)).places, ['a:2']);
  folder.append('a', `\n\n${row(3)}`);
  assert.deepEqual((await read(3)).places, ['a:4']);
});

test('a last line that goes on after it was taken is refused, not read as a row of its own', async () => {
  const { folder, read } = world();
  folder.put('a', '{"n":1,"at":1}');
  assert.deepEqual((await read(15)).places, ['a:1']);
  folder.append('a', ',{"n":2}\n');
  const { places, problems } = await read(15);
  assert.deepEqual(places, []);
  assert.match(problems[0] ?? '', /^a grew within line 1/);
});

test('a file that shrank, was replaced or came back is left out; the others go on', async () => {
  const { folder, read } = world();
  folder.put('a', row(1) + row(2));
  folder.put('b', row(3) + row(4));
  folder.put('c', row(5));
  await read(0);
  folder.put('a', row(1));
  folder.put('b', row(7) + row(8) + row(9));
  folder.remove('c');
  folder.put('d', row(6));
  const changed = await read(3);
  assert.deepEqual(changed.places, ['d:1']);
  assert.match(changed.problems.join('; '), /a shrank from .* b was replaced/);
  folder.put('c', row(5));
  assert.deepEqual((await read(3)).places, [], 'a file that is back is not read again');
  folder.put('a', row(1) + row(2) + row(10));
  assert.deepEqual((await read(3)).places, ['a:3'], 'a file that is as before goes on');
});

test('a CSV file is read once it stands still, by its header, and must not change then', async () => {
  const { folder, read } = world({ format: 'csv', columns: { Number: 'n', junk: null } });
  folder.put('a.csv', '\uFEFFNumber,junk,at,text\r\n1,x,1,"a, ""b""\nc"\r\n2,');
  assert.deepEqual((await read(5)).places, []);
  folder.append('a.csv', 'x,2024-01-01T00:00:00Z,\n3,x\n"4,x,1,y\n5,x,7,z');
  const { rows } = await read(15);
  const bodies = rows.map(({ body }) =>
    body instanceof UnreadableRow ? body.problem.message : body,
  );
  assert.deepEqual(bodies, [
    { n: '1', at: 1, text: 'a, "b"\nc' },
    { n: '2', at: '2024-01-01T00:00:00Z', text: null },
    'The record has 2 fields, the header 4.',
    'Field 1 has a quote that is never closed.',
    { n: '5', at: 7, text: 'z' },
  ]);
  assert.deepEqual(
    rows.map(({ place }) => place),
    ['a.csv:2', 'a.csv:4', 'a.csv:5', 'a.csv:6', 'a.csv:7'],
  );
  folder.append('a.csv', '\n6,x,1,y\n');
  const later = await read(15);
  assert.deepEqual(later.places, []);
  assert.match(later.problems[0] ?? '', /changed after it was begun/);
});

test('a stray quote costs its own line, and no row up to the next quote', async () => {
  const { folder, read } = world({ format: 'csv', follow: false });
  const plain = Array.from({ length: 300 }, (_, n) => `${n},1,plain\r\n`);
  const lines = [
    'n,at,text\r\n',
    '500,1,"unclosed,\r\n',
    ...plain,
    '600,1,"a ""b"", c"\n',
    '601,1,"over\ntwo lines, as ""it"" may"\n',
    '602,1,two "in the middle\n',
    '603,1,"also unclosed\n',
    '604,1,after\n605,1,"five\nlines",6,7\n606,1,last\n607,1,"at the end',
  ];
  folder.put('a.csv', lines.join(''));
  const { rows } = await read(0);
  const good = (row: (typeof rows)[number]): boolean => !(row.body instanceof UnreadableRow);
  assert.deepEqual(
    rows.filter(good).map(({ body }) => (body as { n: string }).n),
    [...plain.map((_, n) => `${n}`), '600', '601', '604', '606'],
  );
  const letters = rows.filter((row) => !good(row));
  assert.deepEqual(
    letters.map(({ place }) => place),
    ['a.csv:2', 'a.csv:306', 'a.csv:307', 'a.csv:309', 'a.csv:310', 'a.csv:312'],
  );
  for (const { body } of letters) {
    assert.ok(body instanceof UnreadableRow);
    assert.doesNotMatch(String(body.raw), /\n/);
  }
});

test('the reason why a folder cannot be read is told in plain words', () => {
  const folder = new NodeFolder('/nowhere/at/all');
  assert.throws(() => folder.list(), {
    code: 'source_unreachable',
    message: "'/nowhere/at/all' cannot be read: it is not there.",
  });
});

test('a CSV file whose columns do not fit is left out with its reason', async () => {
  const { folder, read } = world({ format: 'csv' });
  folder.put('a.csv', 'n,at,extra\n1,1,1\n');
  folder.put('b.csv', 'n\n1\n');
  folder.put('c.csv', 'n,at\n1,1\n');
  const { places, problems } = await read(15);
  assert.deepEqual(places, ['c.csv:2']);
  assert.deepEqual(problems, [
    "a.csv has a column 'extra' that 'contract' lacks",
    "b.csv lacks the column 'at'",
  ]);
});

test('reading goes on within a file, batch after batch, from the token alone', async () => {
  for (const format of ['ndjson', 'csv'] as const) {
    const { folder, read } = world({ format, follow: false });
    const count = LIMITS.connectorRows * 2 + 10;
    const lines = Array.from({ length: count }, (_, n) => (format === 'csv' ? `${n},1\n` : row(n)));
    folder.put('a', (format === 'csv' ? 'n,at\n' : '') + lines.join(''));
    const places: string[] = [];
    for (let i = 0; i < 6; i++) places.push(...(await read(0, 1)).places);
    const first = format === 'csv' ? 2 : 1;
    assert.deepEqual(
      places,
      lines.map((_, i) => `a:${i + first}`),
    );
  }
});

test('a line beyond the limit is one dead letter, and the next one is read', async () => {
  const { folder, read } = world({ follow: false });
  folder.put('a', `${'x'.repeat(LIMITS.fileLineBytes + 5)}\n${row(1)}`);
  const { rows, places } = await read(0);
  assert.deepEqual(places, ['a:1', 'a:2']);
  const [long] = rows;
  assert.ok(long?.body instanceof UnreadableRow);
  assert.equal(long.body.raw.length, LIMITS.fileLineBytes);
});
