import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openProject } from '../import/import-world.ts';

const HEADER = 'payment,card,amount,at,received';
const good = (id: string): string => `${id},a,1,2024-01-01 10:00:00,2024-01-01 10:00:05`;

test('an import of what is none says what is wrong, and takes nothing', async (t) => {
  const project = await openProject(t);
  const run = async (file: string, text: string | null, ...more: string[]) => {
    if (text !== null) project.write(file, text);
    const args = ['import', 'payments', file, ...(more.length > 0 ? more : RECEIVED)];
    return (await project.json(args)).result;
  };
  const refused = async (code: string, file: string, text: string | null, ...more: string[]) => {
    const { error } = await run(file, text, ...more);
    assert.equal(error?.code, code, `${file}: ${JSON.stringify(error)}`);
    return error;
  };
  const renamed = `payment,crad,amount,at,received\n${good('p1')}\n`;
  const named = await refused('upstream_schema', 'renamed.csv', renamed);
  assert.match(named.message, /no column 'card' \(string\)\. Did you mean 'crad'\?/);
  assert.match(named.issues[0].remedy, /--map their_name=card/);
  await refused(
    'upstream_schema',
    'absent.csv',
    `payment,card,at,received\np,a,2024-01-01,2024-01-01\n`,
  );
  await refused('upstream_changed', 'half.csv', `${HEADER}\n${good('p1')}\np2,a,1,"2024-`);
  await refused('upstream_changed', 'half.ndjson', '{"payment":"p1","card":"a"}\n{"payment":"p');
  await refused('upstream_empty', 'empty.csv', `${HEADER}\n`);
  await refused('upstream_empty', 'empty.ndjson', '');
  await refused('file_not_found', 'nowhere.parquet', null);
  const query = ['--query', 'SELECT 1 AS payment', ...RECEIVED];
  assert.equal(
    (await project.json(['import', 'payments', ...query])).result.error.code,
    'upstream_schema',
  );
  const broken = ['--query', 'SELEC 1', ...RECEIVED];
  assert.equal(
    (await project.json(['import', 'payments', ...broken])).result.error.code,
    'bad_request',
  );
  const usage = [
    ['import', 'payments', 'renamed.csv'],
    ['import', 'payments', ...RECEIVED],
    ['import', 'payments', 'renamed.csv', ...RECEIVED, '--assumed-delay', '1s'],
    ['import', 'payments', 'renamed.csv', ...RECEIVED, '--map', 'crad'],
    ['import', 'payments', 'renamed.csv', ...RECEIVED, '--until', 'yesterday'],
  ];
  for (const args of usage) {
    const { code, result } = await project.json(args);
    assert.deepEqual([code, result.error.code], [2, 'usage'], args.join(' '));
  }
  const unknown = await project.json(['import', 'paymnts', 'renamed.csv', ...RECEIVED]);
  assert.match(unknown.result.error.message, /Did you mean 'payments'/);
  // A file that is cut off within its data.
  const made = ['--query', `COPY (SELECT 1) TO 'x.parquet'`, ...RECEIVED];
  assert.ok((await project.json(['import', 'payments', ...made])).result.error);
  writeFileSync(join(project.folder, 'cut.parquet'), PARQUET_START);
  await refused('unreadable_file', 'cut.parquet', null);
  const stats = await project.json(['deadletters', 'count']);
  assert.deepEqual(stats.result.sources ?? stats.result.counts ?? [], []);
});

const RECEIVED = ['--arrival-column', 'received'];
const PARQUET_START = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(64)]);

test('rows that cannot be events become dead letters, each with its reason, and the rest is taken', async (t) => {
  const project = await openProject(t);
  const ahead = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  project.write(
    'rows.csv',
    `${HEADER},extra
${good('p1')},x
p2,a,1,2024-01-01 10:00:00,,x
p3,a,1,2024-01-01 10:00:00,${ahead},x
p4,a,1,2024-01-01 10:05:00,2024-01-01 10:00:00,x
p5,a,1,2024-01-01 10:00:00,2024-01-02 10:00:01,x
p6,a,one,2024-01-01 10:00:00,2024-01-01 10:00:05,x
p7,,1,2024-01-01 10:00:00,2024-01-01 10:00:05,x
p8,a,1,2024-01-01 10:00:00,soon,x
p9,a,1
p1,a,1,2024-01-01 11:00:00,2024-01-01 11:00:05,x
`,
  );
  const args = ['import', 'payments', 'rows.csv', ...RECEIVED];
  const foreseen = (await project.json([...args, '--dry-run'])).result;
  const { result } = await project.json(args);
  assert.equal(result.error, undefined);
  const rejections = {
    missing_column: 2,
    from_the_future: 2,
    too_late: 1,
    wrong_type: 1,
    invalid_time: 1,
    unreadable_row: 1,
  };
  assert.deepEqual({ ...result.rejections }, rejections);
  assert.deepEqual([result.read, result.accepted, result.duplicates], [10, 1, 1]);
  assert.deepEqual(foreseen.rejections, result.rejections, 'a dry run foresees it');
  assert.equal(foreseen.accepted, result.accepted);
  assert.deepEqual(result.ignored, ['extra']);
  const letters = await project.run(['deadletters', 'export', 'payments', '--out', 'l.ndjson']);
  if (letters.code === 0) {
    const lines = readFileSync(join(project.folder, 'l.ndjson'), 'utf8').trim().split('\n');
    assert.equal(lines.length, 8);
  }
  assert.equal((await project.json(args)).result.again, true);
});

test('two imports at once into one stream: one goes on, the other says so, and nothing is lost', async (t) => {
  const project = await openProject(t);
  const server = await project.server('serve');
  const sql = (from: number): string =>
    `SELECT 'p' || i AS payment, 'a' AS card, 1 AS amount,
       TIMESTAMP '2026-01-01' + INTERVAL (i) SECOND AS at FROM range(${from}, ${from + 20_000}) t(i)`;
  const args = (from: number): string[] => {
    return ['import', 'payments', '--query', sql(from), '--assumed-delay', '1s', '--json'];
  };
  const runs = await Promise.all([args(0), args(10_000)].map((one) => project.pipe('', one)));
  const results = runs.map(({ stdout }) => JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const failed = results.filter(({ error }) => error !== undefined);
  for (const { error } of failed) assert.equal(error.code, 'run_conflict');
  assert.ok(failed.length <= 1);
  const rest = failed.length === 0 ? 0 : results.findIndex(({ error }) => error !== undefined);
  const again = await project.json(args(rest * 10_000).slice(0, -1));
  const taken = [...results, again.result].filter(({ error, again: was }) => !error && !was);
  const accepted = taken.reduce((sum, { accepted: one }) => sum + one, 0);
  assert.equal(accepted, 30_000);
  await server.stop();
});
