import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { loadConfig } from '../../src/app/config.ts';
import { trainProject, verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import {
  avg,
  entity,
  float64,
  latest,
  lifetime,
  max,
  service,
  stream,
  string,
  sum,
  timestamp,
  view,
} from '../../src/index.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { roundKept } from '../../src/schema/kept-float.ts';

const payments = stream('payments', {
  columns: { at: timestamp(), user: string(), amount: float64({ scale: 4 }) },
  eventTime: 'at',
  allowedLateness: '60d',
});
const user = entity('user', { keys: { user: string() } });
const spending = view('spending', {
  version: 1,
  source: payments,
  entity: user,
  key: { user: 'user' },
  features: (row) => ({
    mean: avg(row.amount).over(lifetime()).as('float32').default(0.1),
    total: sum(row.amount).over(lifetime()).as('float16'),
    most: max(row.amount).over(lifetime()),
    newest: latest(row.amount).as('float16'),
  }),
  derived: (feature) => ({
    share: feature.mean.div(feature.most).as('float32').default(-0.1),
    huge: feature.most.mul(feature.most).as('float16'),
  }),
});
const scores = service('scores', {
  version: 1,
  features: [spending.all()],
  request: { factor: float64() },
  onDemand: ({ request, feature }) => ({ scaled: request.factor.mul(feature.mean).as('float16') }),
});
const plan = compileProject([scores]);

const folder = mkdtempSync(join(tmpdir(), 'asof-kept-'));
const config = loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
const NOW_MS = Date.now() - 60_000;
let platform: Platform;

// biome-ignore lint/suspicious/noExplicitAny: bodies differ from route to route.
function bodyOf(response: Response): Promise<any> {
  return response.json();
}

before(async () => {
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  platform = await Platform.start(config, plan);
  const pushed = await fetch(`${platform.url}/v1/events/payments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([
      { at: NOW_MS - 2, user: 'a', amount: 0.1 },
      { at: NOW_MS - 1, user: 'a', amount: 0.2 },
      { at: NOW_MS, user: 'a', amount: 3.3333 },
      { at: NOW_MS, user: 'b', amount: 70_000 },
    ]),
  });
  assert.deepEqual((await bodyOf(pushed)).rejections, []);
});

after(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ROWS = [
  { user: 'a', factor: 0.3 },
  { user: 'b', factor: 2 },
  { user: 'nobody', factor: 1e9 },
];

function ask(accept: string): Promise<Response> {
  return fetch(`${platform.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ service: 'scores', rows: ROWS }),
  });
}

const single = (x: number): number | null => roundKept('float32', x);
const half = (x: number): number | null => roundKept('float16', x);

test('what is kept in fewer bits is rounded once, replays, and trains to the same bits', async () => {
  const { rows } = await bodyOf(await ask('application/json'));
  const [first, second, third] = rows;
  const mean = Math.fround(3.6333 / 3);
  assert.deepEqual(first.values, {
    mean,
    total: half(3.6333),
    most: 3.3333,
    newest: half(3.3333),
    share: single(mean / 3.3333),
    huge: half(3.3333 * 3.3333),
    scaled: half(0.3 * mean),
  });
  assert.notEqual(first.values.total, 3.6333);
  assert.deepEqual(second.values, {
    ...{ mean: 70_000, total: null, most: 70_000, newest: null, share: 1, huge: null },
    scaled: null,
  });
  assert.deepEqual(second.statuses, {
    ...{ mean: 'present', total: 'error', most: 'present', newest: 'error', share: 'present' },
    ...{ huge: 'error', scaled: 'error' },
  });
  assert.deepEqual([third.values.mean, third.statuses.mean], [Math.fround(0.1), 'default']);
  assert.deepEqual([third.values.share, third.statuses.share], [Math.fround(-0.1), 'default']);
  assert.deepEqual([third.values.scaled, third.statuses.scaled], [null, 'error']);

  const arrow = tableFromIPC(await (await ask('application/vnd.apache.arrow.stream')).bytes());
  const types = arrow.schema.fields.map(({ name, type }) => `${name} ${type}`);
  for (const one of ['mean Float32', 'total Float16', 'most Float64']) {
    assert.ok(types.includes(one), one);
  }
  for (const [name, value] of Object.entries(first.values)) {
    assert.equal(arrow.getChild(name)?.get(0), value, name);
  }

  const described = await bodyOf(await fetch(`${platform.url}/v1/services/scores`));
  const told = new Map<string, { type: string; rounding?: string }>(
    described.features.map((one: { name: string }) => [one.name, one]),
  );
  assert.equal(told.get('mean')?.type, 'float32');
  assert.match(told.get('mean')?.rounding ?? '', /2\^-24/);
  assert.match(told.get('scaled')?.rounding ?? '', /2\^-11/);
  assert.equal(told.get('most')?.rounding, undefined);

  await platform.stop();
  const verified = await verifyProject(config, 100);
  assert.deepEqual(verified.mismatches, []);
  assert.equal(verified.answers, 6);
  await trains(rows);
  platform = await Platform.start(config, plan);
});

async function trains(rows: readonly { readonly values: object }[]): Promise<void> {
  const spine = join(folder, 'spine.ndjson');
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  writeFileSync(spine, ROWS.map((one) => JSON.stringify({ ...one, event_time: soon })).join('\n'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const names = Object.keys(rows[0]?.values ?? {});
  const expected = rows.map(({ values }) => Object.values(values));
  try {
    for (const extension of ['parquet', 'csv', 'ndjson']) {
      const out = join(folder, `out.${extension}`);
      await trainProject(config, { service: 'scores', spine, out });
      if (extension === 'ndjson') {
        const lines = readFileSync(out, 'utf8').trim().split('\n');
        const found = lines.map((line) => names.map((name) => JSON.parse(line)[name]));
        assert.deepEqual(found, expected);
        continue;
      }
      const list = names.map((name) => `CAST("${name}" AS DOUBLE)`).join(', ');
      const found = await connection.runAndReadAll(`SELECT ${list} FROM '${out}'`);
      assert.deepEqual(found.getRows(), expected, extension);
      const types = await connection.runAndReadAll(
        `SELECT typeof(mean), typeof(most) FROM '${out}'`,
      );
      if (extension === 'parquet') assert.deepEqual(types.getRows()[0], ['FLOAT', 'DOUBLE']);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
