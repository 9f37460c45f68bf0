import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import type { AsofError, ErrorCode } from '../base/errors.ts';
import { sqlString } from '../ingest/archive-relation.ts';
import { DuckDbSession } from '../ingest/duckdb-session.ts';
import type { ProjectPlan } from '../plan/plan.ts';
import { countingProject } from './counting-project.fixture.ts';
import type { EventRelations } from './event-relations.ts';
import { loadEvents, type ModelEvent } from './random-events.fixture.ts';
import type { TrainingOptions } from './training-options.ts';
import { buildTrainingSet } from './training-set.ts';

let folder = '';
let session: DuckDbSession;
let history: EventRelations;
let plan: ProjectPlan;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asof-spine-'));
  session = await DuckDbSession.open({ threads: 1 });
  history = await loadEvents(session, [eventAt(1, 1_000), eventAt(2, 2_000), eventAt(3, 3_000)]);
  plan = countingProject();
});

after(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

function eventAt(commit: number, eventTimeMs: number): ModelEvent {
  const values = { user: '007', shop: 1, amount: 5, price: 1, cost: 250, label: 'x', flag: true };
  const place = { commit, partition: 0, offset: commit, eventTimeMs, arrivalTimeMs: eventTimeMs };
  return { ...place, values, retracts: null };
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function train(path: string, more: Partial<TrainingOptions> = {}) {
  return await buildTrainingSet({
    plan,
    service: 'svc',
    history,
    spine: { path },
    out: join(folder, 'out.ndjson'),
    clock: new ManualClock(0),
    session,
    ...more,
  });
}

function written(): string[] {
  return readFileSync(join(folder, 'out.ndjson'), 'utf8').trim().split('\n');
}

test('rows come back as they were: unsorted, doubled, with nulls, and text keys as text', async () => {
  const rows = ['007,2500,a', '7,2500,b', ',2500,c', '007,,d', '007,1000,e', '007,2500,a'];
  const path = write('spine.csv', `user,event_time,label\n${rows.join('\n')}\n`);
  const report = await train(path);
  assert.deepEqual(
    written().map((line) => JSON.parse(line)),
    [
      { user: '007', event_time: 2500, label: 'a', n: 2, spent: 5 },
      { user: '7', event_time: 2500, label: 'b', n: 0, spent: null },
      { user: null, event_time: 2500, label: 'c', n: null, spent: null },
      { user: '007', event_time: null, label: 'd', n: null, spent: null },
      { user: '007', event_time: 1000, label: 'e', n: 1, spent: 2.5 },
      { user: '007', event_time: 2500, label: 'a', n: 2, spent: 5 },
    ],
  );
  assert.equal(report.nullKeys, 1);
  assert.equal(report.nullTimes, 1);
  assert.deepEqual(report.viewHashes, { 'pays@1': 'v_user' });
});

test('a timestamp column is the time, downwards to the millisecond', async () => {
  const lines = [
    { user: '007', seen: '1970-01-01T00:00:01.999Z' },
    { user: '007', seen: '1970-01-01T00:00:02.000Z' },
  ];
  const path = write('spine.ndjson', lines.map((line) => JSON.stringify(line)).join('\n'));
  assert.equal((await train(path)).timeColumn, 'seen');
  assert.deepEqual(
    written().map((line) => (JSON.parse(line) as { n: number }).n),
    [1, 2],
  );
});

test('an empty spine gives an empty training set with all columns', async () => {
  const spine = join(folder, 'empty.parquet');
  const out = join(folder, 'empty-out.parquet');
  await session.run(`COPY (SELECT 'x' AS "user", now() AS at WHERE FALSE)
    TO ${sqlString(spine)} (FORMAT PARQUET)`);
  const report = await train(spine, { out, prefix: 'f_' });
  assert.equal(report.rows, 0);
  const columns = await session.rows(`DESCRIBE SELECT * FROM read_parquet(${sqlString(out)})`);
  assert.deepEqual(
    columns.map(([name, type]) => `${name} ${type}`),
    ['user VARCHAR', 'at TIMESTAMP WITH TIME ZONE', 'f_n BIGINT', 'f_spent DECIMAL(38,2)'],
  );
  const metadata = await session.rows(
    `SELECT decode(key), decode(value) FROM parquet_kv_metadata(${sqlString(out)})`,
  );
  assert.ok(metadata.some(([key, value]) => key === 'asof_known' && value === 'serving'));
});

test('what cannot be used is refused with the column and the remedy', async () => {
  const cases: readonly [string, string, ErrorCode, RegExp][] = [
    ['a.csv', 'event_time,label\n1,2\n', 'invalid_spine', /join key 'user'/],
    ['b.csv', 'user,label\na,2\n', 'invalid_spine', /neither a column 'event_time' nor/],
    ['c.csv', 'user,event_time\na,soon\n', 'invalid_spine', /'event_time' is VARCHAR/],
    ['d.csv', 'user,event_time,N\na,1,2\n', 'column_collision', /: n\./],
    ['e.ndjson', '{"user":5,"event_time":1}\n', 'invalid_spine', /'user' is BIGINT/],
    ['f.txt', 'x', 'unreadable_file', /no known format/],
    ['g.parquet', 'x', 'unreadable_file', /could not be read/],
  ];
  rmSync(join(folder, 'out.ndjson'), { force: true });
  for (const [name, text, code, message] of cases) {
    const path = write(name, text);
    await assert.rejects(train(path), (error: AsofError) => {
      assert.equal(error.code, code, `${name}: ${error.message}`);
      assert.match(error.message, message);
      assert.notEqual(error.remedy, '');
      return true;
    });
  }
  await assert.rejects(train(join(folder, 'none.csv')), { code: 'file_not_found' });
  await assert.rejects(train(write('h.csv', 'user,event_time\na,1\n'), { service: 'no' }), {
    code: 'unknown_service',
  });
  assert.ok(!existsSync(join(folder, 'out.ndjson')));
});

test('an abort ends the work and leaves no output behind', async () => {
  const abort = new AbortController();
  const path = write('abort.csv', 'user,event_time\n007,1\n');
  const phases: string[] = [];
  const out = join(folder, 'aborted.csv');
  const onProgress = ({ phase }: { phase: string }): void => {
    phases.push(phase);
    if (phase.startsWith('join')) abort.abort(new Error('enough'));
  };
  await assert.rejects(train(path, { out, signal: abort.signal, onProgress }), /enough/);
  assert.deepEqual(phases, ['read the spine', 'read pay', 'join pay']);
  assert.ok(!readdirSync(folder).some((name) => name.startsWith('aborted')));
});

test('a text key that is empty is no key: its features are null', async () => {
  await session.run(`CREATE OR REPLACE TABLE empties AS
    SELECT * FROM (VALUES ('', 2500), (NULL, 2500), ('x', 2500)) AS x("user", event_time)`);
  const report = await train('', { spine: { relation: 'empties' } });
  assert.equal(report.nullKeys, 2);
  assert.deepEqual(
    written().map((line) => JSON.parse(line)),
    [
      { user: '', event_time: 2500, n: null, spent: null },
      { user: null, event_time: 2500, n: null, spent: null },
      { user: 'x', event_time: 2500, n: 0, spent: null },
    ],
  );
});

test('the output is never the spine itself, by whatever path', async () => {
  const text = 'user,event_time\n007,2500\n';
  const path = write('labels.csv', text);
  const link = join(folder, 'link.csv');
  symlinkSync(path, link);
  for (const out of [path, link, join(folder, '.', 'labels.csv')]) {
    await assert.rejects(train(path, { out }), { code: 'usage', message: /the spine itself/ });
  }
  assert.equal(readFileSync(path, 'utf8'), text);
});

test('an empty CSV or NDJSON file is an empty spine', async () => {
  const out = join(folder, 'none.csv');
  for (const [name, text, columns] of [
    ['header.csv', 'label,event_time,user\n', 'label,event_time,user,n,spent'],
    ['nothing.ndjson', '', 'user,event_time,n,spent'],
  ] as const) {
    const report = await train(write(name, text), { out });
    assert.deepEqual([report.rows, report.timeColumn], [0, 'event_time']);
    assert.equal(readFileSync(out, 'utf8'), `${columns}\n`);
  }
  const asked = await train(write('at.csv', 'user,at\n'), { out, time: 'at' });
  assert.equal(asked.timeColumn, 'at');
});

test('from CSV to CSV the columns of the spine keep their text', async () => {
  const rows = [
    '007,1970-01-01T01:00:02.500+01:00,1.50,2020-02-03,1e3,TRUE,"a, ""b"""',
    '007,1970-01-01 00:00:01Z,0002.5,2020-02-04,-0,f,',
    '8,,.5,2020-02-05,+7,true, x ',
  ];
  const header = 'user,event_time,price,day,n1,flag,note';
  const out = join(folder, 'text.csv');
  await train(write('odd.csv', `${header}\n${rows.join('\n')}\n`), { out });
  assert.deepEqual(readFileSync(out, 'utf8').trim().split('\n'), [
    `${header},n,spent`,
    `${rows[0]},2,5.00`,
    `${rows[1]},1,2.50`,
    `${rows[2]},,`,
  ]);
});

test('a CSV of another dialect keeps its cells and the order of its rows', async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `007;${i};${i}.50;'x;${i}'`);
  const out = join(folder, 'wide.csv');
  const path = write('dialect.csv', `user;event_time;price;note\n${lines.join('\n')}\n`);
  await train(path, { out });
  const result = readFileSync(out, 'utf8').trim().split('\n').slice(1);
  assert.equal(result.length, lines.length);
  for (const [i, line] of result.entries()) {
    const counted = Math.min(3, Math.floor(i / 1_000));
    assert.ok(line.startsWith(`007,${i},${i}.50,x;${i},${counted},`), `${i}: ${line}`);
  }
});

test('from NDJSON to NDJSON the lines of the spine keep their text', async () => {
  const lines = [
    '{"user":"007","event_time":"1970-01-01T00:00:02.500Z","price":1.50,"o":{"b": 1.0} }',
    '{"price":1e3, "note":"a\\tb,\\"}\\u00e9","user":null}',
    '{ }',
    '{"event_time":null,"user":"007","id":12345678901234567890}',
  ];
  const path = write('odd.ndjson', `${lines.join('\n')}\n`);
  await train(path);
  assert.deepEqual(written(), [
    '{"user":"007","event_time":"1970-01-01T00:00:02.500Z","price":1.50,"o":{"b": 1.0},' +
      '"n":2,"spent":5.00}',
    '{"price":1e3, "note":"a\\tb,\\"}\\u00e9","user":null,"n":null,"spent":null}',
    '{"n":null,"spent":null}',
    '{"event_time":null,"user":"007","id":12345678901234567890,"n":null,"spent":null}',
  ]);
});
