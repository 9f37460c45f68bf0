import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readParquet } from '../../src/ingest/archive-relation.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import type { Project } from '../cli/project.ts';
import { done, filesBelow, openProject } from './privacy-world.ts';

const NOW = Date.now();
const PERSON = 'customer-4711';
const OTHERS = ['customer-12', 'customer-47112'];
const EVERYBODY = [PERSON, ...OTHERS];
const FORMATS = ['parquet', 'csv', 'ndjson', 'arrow'];

function lines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function payments(from: number, count: number): object[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const [user, payee] = [EVERYBODY[n % 3], EVERYBODY[(n * 7 + 1) % 3]];
    return { payment: `p${n}`, user, payee, amount: n, at: NOW - 3_600_000 + n * 1_000 };
  });
}

/** Payments both ways, changes, a table, a rejected row, and a training set in every format. */
async function filled(project: Project): Promise<void> {
  project.write('payments.ndjson', lines(payments(0, 40)));
  await done(project, ['import', 'payments', 'payments.ndjson', '--assumed-delay', '1ms']);
  mkdirSync(join(project.folder, 'limits'));
  const rows = EVERYBODY.map((user, n) => `${user},${n + 1},${NOW - 90_000_000}`);
  project.write('limits/day=1.csv', `user,ceiling,since\n${rows.join('\n')}\n`);
  await done(project, ['materialize', 'limits']);
  const times = EVERYBODY.flatMap((user) => [`${user},${NOW}`, `${user},${NOW - 3_590_000}`]);
  project.write('spine.csv', `user,event_time\n${times.join('\n')}\n`);
  for (const format of FORMATS) {
    await done(project, [
      ...['train', '--service', 'users', '--spine', 'spine.csv', '--known', 'final'],
      ...['--out', `set.${format}`, '--name', `as_${format}`],
    ]);
  }
}

async function columnOf(path: string, column: string): Promise<unknown[]> {
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    const rows = await session.rows(`SELECT "${column}" FROM ${readParquet([path])}`);
    return rows.map(([value]) => value);
  } finally {
    session.close();
  }
}

/** Where a text stands, in any file of the project but the spine that it was given. */
function filesWith(project: Project, text: string): string[] {
  return [...filesBelow(project.folder)]
    .filter(({ path }) => !path.includes('node_modules'))
    .filter(({ path }) => !/(spine\.csv|payments\.ndjson|limits\/.*|ids\.ndjson)$/.test(path))
    .filter(({ bytes }) => new RegExp(`${text}(?![0-9])`).test(bytes.toString('latin1')))
    .map(({ path }) => path);
}

for (const tokenized of [false, true]) {
  const kind = tokenized ? 'tokens' : 'ids';
  test(`a person is removed by the command line, where ${kind} are stored`, async (t) => {
    const project = await openProject(t, tokenized);
    await filled(project);
    const whom = ['--entity', `user=${PERSON}`];
    const dry = await project.json(['forget', ...whom, '--dry-run']);
    assert.equal(dry.code, 0, dry.stdout + dry.stderr);
    const bySource = new Map(
      (dry.result.sources as { source: string; rows: number; kept: number }[]).map((one) => [
        one.source,
        one,
      ]),
    );
    assert.equal(bySource.get('limits')?.rows, 1);
    const both = payments(0, 40).map((one) => Object.values(one).slice(1, 3));
    const his = both.filter((pair) => pair.includes(PERSON)).length;
    assert.equal(bySource.get('payments')?.rows, his);
    assert.deepEqual(
      dry.result.datasets.map((one: { rows: number }) => one.rows),
      FORMATS.map(() => 2),
    );

    const before = readFileSync(join(project.folder, 'set.csv'), 'utf8');
    const gone = await project.json([
      ...['forget', ...whom, '--grace', '1ms', '--request-id', 'dsr-1', '--reason', 'art. 17'],
    ]);
    assert.equal(gone.code, 0, gone.stdout + gone.stderr);
    const { id, scan, datasets, subjects } = gone.result;
    assert.deepEqual([scan.hits, scan.unread], [[], []]);
    assert.equal(JSON.stringify(subjects).includes(PERSON), false);
    assert.deepEqual(
      datasets.map((one: { name: string; rows: number }) => [one.name, one.rows]),
      [...FORMATS].sort().map((format) => [`as_${format}`, 2]),
    );
    if (!tokenized) assert.deepEqual(filesWith(project, PERSON), []);

    // The files hold the others, to the byte.
    const kept = before
      .split('\n')
      .filter((line) => !line.startsWith(`${PERSON},`) && !/^t1/.test(line));
    const after = readFileSync(join(project.folder, 'set.csv'), 'utf8');
    if (!tokenized) assert.equal(after, kept.join('\n'));
    assert.equal((await columnOf(join(project.folder, 'set.parquet'), 'user')).length, 4);
    const shown = await project.json(['dataset', 'list']);
    for (const one of shown.result.datasets) assert.deepEqual([one.rows, one.forgotten], [4, [id]]);
    const refused = await project.json(['dataset', 'rebuild', 'as_csv@1', '--out', 'again.csv']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout + refused.stderr, /dataset_forgotten/);
    const reduced = await project.json([
      ...['dataset', 'rebuild', 'as_csv@1', '--out', 'again.csv', '--allow-forgotten'],
    ]);
    assert.equal(reduced.code, 0, reduced.stdout + reduced.stderr);
    assert.equal(reduced.result.same, 'reduced');

    const list = await project.json(['forget', '--list']);
    assert.deepEqual(
      list.result.runs.map((one: { id: string }) => one.id),
      [id],
    );
    const record = await project.json(['forget', '--show', id]);
    assert.equal(record.result.digest, gone.result.digest);
    const verified = await project.json(['forget', '--verify', id, ...whom]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const other = await project.json(['forget', '--verify', id, '--entity', `user=${OTHERS[0]}`]);
    assert.equal(other.code, 2);
    // A key that is left where nobody looked would be found.
    project.write('.asof/left.txt', `seen: ${PERSON}.`);
    const found = await project.json(['forget', '--verify', id, ...whom]);
    assert.deepEqual([found.code, found.result.scan.hits], [1, ['left.txt']]);

    // The table still has the person upstream, and cannot bring the past back.
    const limits = join(project.folder, 'limits', 'day=1.csv');
    writeFileSync(limits, `${readFileSync(limits, 'utf8')}customer-99,9,${NOW - 80_000_000}\n`);
    await done(project, ['materialize', 'limits']);
    const again = await project.json(['forget', ...whom, '--dry-run']);
    assert.deepEqual(again.result.sources, []);
    const audit = await project.json(['audit', 'list', '--action', 'privacy.forget']);
    assert.match(JSON.stringify(audit.result), new RegExp(id));
    assert.equal(JSON.stringify(audit.result).includes(PERSON), false);
  });
}

test('many at once, blocked for ever, by a running server', async (t) => {
  const project = await openProject(t, false);
  const server = await project.server('serve');
  project.write('payments.ndjson', lines(payments(0, 30)));
  await done(project, ['push', 'payments', 'payments.ndjson', '--url', server.url]);
  const keys = [JSON.stringify(`user=${PERSON}`), '{"entity":"user","key":"customer-12"}'];
  project.write('ids.ndjson', `${keys.join('\n')}\n`);
  const gone = await project.json(['forget', '--file', 'ids.ndjson', '--block', '--grace', '1ms']);
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  assert.deepEqual(gone.result.scan.hits, []);
  assert.equal(gone.result.subjects.length, 2);
  const back = { payment: 'x1', user: PERSON, amount: 1, at: Date.now() };
  project.write('back.ndjson', lines([back]));
  const pushed = await project.json(['push', 'payments', 'back.ndjson', '--url', server.url]);
  assert.equal(pushed.code, 1);
  const letters = await project.json(['deadletters', 'list', 'payments', '--url', server.url]);
  assert.match(letters.stdout, /forgotten/);
  assert.equal(letters.stdout.includes(PERSON), false);
  const wrong = await project.json(['forget', '--entity', 'usr=1']);
  assert.match(wrong.stdout + wrong.stderr, /Did you mean|user/);
  await server.stop();
  assert.deepEqual(
    filesWith(project, PERSON).filter((path) => !path.endsWith('back.ndjson')),
    [],
  );
});
