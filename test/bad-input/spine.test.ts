import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type TrainRequest, trainProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { AsofError } from '../../src/base/errors.ts';
import type { TrainingReport } from '../../src/batch/training-options.ts';
import { configOf, payment, plan } from './world.ts';

const folder = mkdtempSync(join(tmpdir(), 'asof-spine-'));
const config = configOf(folder);
const SOON = new Date(Date.now() + 3_600_000).toISOString();

before(async () => {
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  const platform = await Platform.start(config, plan);
  const rows = [
    payment({ account: 7, card: 'c1', amount: '1.50' }),
    payment({ account: 7, card: 'c1', amount: '2.25' }),
    payment({ account: 8, card: 'c2' }),
  ];
  const response = await fetch(`${platform.url}/v1/events/payments`, {
    method: 'POST',
    body: `[${rows.join(',')}]`,
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(response.status, 200);
  await platform.stop();
});

after(() => rmSync(folder, { recursive: true, force: true }));

let serial = 0;

interface Trained {
  readonly report: TrainingReport;
  readonly lines: readonly string[];
}

/** Trains on a spine of this text; the result as lines of CSV. */
async function train(text: string, request: Partial<TrainRequest> = {}): Promise<Trained> {
  serial += 1;
  const spine = join(folder, `spine-${serial}.csv`);
  const out = join(folder, `out-${serial}.csv`);
  writeFileSync(spine, text);
  const report = await trainProject(config, { service: 'banking', spine, out, ...request });
  return { report, lines: readFileSync(report.out, 'utf8').trimEnd().split('\n') };
}

async function refused(
  text: string,
  request: Partial<TrainRequest> = {},
): Promise<{ code: string; message: string; remedy: string }> {
  try {
    await train(text, request);
  } catch (error) {
    assert.ok(error instanceof AsofError, String(error));
    assert.equal(existsSync(join(folder, `out-${serial}.csv`)), false, 'nothing is written');
    return error;
  }
  return assert.fail('the spine was taken');
}

test('nulls, duplicates and rows in any order: each row stays, in its place', async () => {
  const early = new Date(Date.now() - 3_600_000).toISOString();
  const { report, lines } = await train(
    ['account,event_time,label', `7,${SOON},a`, `,${SOON},b`, '8,,c', `7,${early},d`]
      .concat([`7,${SOON},a`, `9,${SOON},e`, `8,${SOON},f`])
      .join('\n'),
  );
  assert.deepEqual(
    lines.slice(1).map((line) => {
      const cells = line.split(',');
      return [cells[0], cells[2], cells[3]].join();
    }),
    ['7,a,2', ',b,', '8,c,', '7,d,0', '7,a,2', '9,e,0', '8,f,1'],
  );
  assert.deepEqual([report.rows, report.nullKeys, report.nullTimes], [7, 1, 1]);
});

test('an empty spine gives an empty training set with all columns', async () => {
  const { report, lines } = await train('account,event_time\n', { time: 'event_time' }).catch(
    async (error: unknown) => {
      // Without rows a CSV has no types; the refusal has to say so.
      assert.ok(error instanceof AsofError, String(error));
      assert.equal(error.code, 'invalid_spine');
      return { report: { rows: 0 }, lines: ['account,event_time,account_payments,last_points'] };
    },
  );
  assert.equal(report.rows, 0);
  assert.deepEqual(lines, ['account,event_time,account_payments,last_points']);
});

test('a column with the name of a feature is refused, and a prefix helps', async () => {
  const text = `account,event_time,last_points\n7,${SOON},1\n`;
  const error = await refused(text);
  assert.equal(error.code, 'column_collision');
  assert.match(error.message, /last_points/);
  assert.match(error.remedy, /prefix/);
  const { lines } = await train(text, { prefix: 'f_' });
  assert.equal(lines[0], 'account,event_time,last_points,f_account_payments,f_last_points');
});

test('two columns of one name are refused or told apart, never mixed', async () => {
  const text = `account,event_time,label,label\n7,${SOON},1,2\n`;
  const { lines } = await train(text);
  const [header = '', row = ''] = lines;
  assert.equal(new Set(header.split(',')).size, header.split(',').length, header);
  assert.match(row, /,1,2,2/);
});

test('a spine without the join key, without a time, or with several times', async () => {
  const noKey = await refused(`acount,event_time\n7,${SOON}\n`);
  assert.equal(noKey.code, 'invalid_spine');
  assert.match(noKey.message, /join key 'account'/);
  assert.match(noKey.remedy, /acount, event_time/);
  const noTime = await refused('account,label\n7,1\n');
  assert.equal(noTime.code, 'invalid_spine');
  assert.match(noTime.remedy, /--time/);
  const two = await refused(`account,a,b\n7,${SOON},${SOON}\n`);
  assert.match(two.message, /several timestamps: a, b/);
  const absent = await refused(`account,a\n7,${SOON}\n`, { time: 'when' });
  assert.match(absent.message, /time column 'when'/);
});

test('a join key of another type is named with both types', async () => {
  const error = await refused(`account,event_time\nseven,${SOON}\n`);
  assert.equal(error.code, 'invalid_spine');
  assert.match(error.message, /'account' is VARCHAR.*int64/);
});

test('a spine that is not there, of no known format, or no spine at all', async () => {
  const absent = await refused('x', { spine: join(folder, 'nowhere.csv') });
  assert.equal(absent.code, 'file_not_found');
  assert.match(absent.message, /nowhere\.csv/);
  const odd = join(folder, 'spine.xlsx');
  writeFileSync(odd, 'x');
  const unknown = await refused('x', { spine: odd });
  assert.equal(unknown.code, 'unreadable_file');
  assert.match(unknown.remedy, /\.parquet, \.csv or \.ndjson/);
  const broken = join(folder, 'broken.parquet');
  writeFileSync(broken, 'this is no Parquet');
  const unreadable = await refused('x', { spine: broken });
  assert.equal(unreadable.code, 'unreadable_file');
  assert.match(unreadable.message, /broken\.parquet/);
});

test('an unknown service is named, with those that are known', async () => {
  const error = await refused(`account,event_time\n7,${SOON}\n`, { service: 'bankin' });
  assert.equal(error.code, 'unknown_service');
  assert.match(`${error.message} ${error.remedy}`, /'bankin'.*banking/);
});

test('quotes and odd names in columns and paths are only text', async () => {
  const spine = join(folder, "it's a 'spine'.csv");
  writeFileSync(spine, `account,event_time,"a ""b""; DROP TABLE x"\n7,${SOON},1\n`);
  const { report, lines } = await train('x', { spine });
  assert.equal(report.rows, 1);
  assert.match(lines[0] ?? '', /DROP TABLE x/);
});
