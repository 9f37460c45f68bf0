import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Platform } from '../../src/app/platform.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { parseJson } from '../../src/schema/json.ts';
import { configOf, defer, temporaryFolder } from '../bad-input/world.ts';
import { DRIVERS } from './drivers.ts';

const run = promisify(execFile);
const HUGE = 9007199254740993n;

interface Report {
  readonly raw: Readonly<Record<string, readonly [number, string]>>;
  readonly reads: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>>;
  readonly online_read: readonly unknown[];
  readonly errors: Readonly<Record<string, readonly [string, string, string]>>;
}

/** What the client prints last. */
async function client(t: TestContext, url: string, ...more: readonly string[]): Promise<unknown> {
  const python = process.env.ASOF_FEAST_PYTHON;
  assert.ok(python, 'run it by npm run test:feast, which brings the client');
  const script = join(import.meta.dirname, 'client.py');
  const { stdout } = await run(python, [script, url, temporaryFolder(t), ...more], {
    env: { ...process.env, FEAST_USAGE: 'False', PYTHONWARNINGS: 'ignore' },
  });
  return parseJson(stdout.trim().split('\n').at(-1) ?? '');
}

async function platform(t: TestContext): Promise<Platform> {
  const config = { ...configOf(temporaryFolder(t)), feast: { enabled: true, port: 0 } };
  const started = await Platform.start(config, compileProject(DRIVERS));
  defer(t, () => started.stop());
  return started;
}

/** The same through asof's own API: by feature, the values of the rows. */
async function ownValues(url: string, service: string, version: number, rows: string) {
  const response = await fetch(`${url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"service":"${service}","version":${version},"rows":${rows}}`,
  });
  const { rows: answered } = parseJson(await response.text()) as {
    rows: { values: Record<string, unknown> }[];
  };
  return (feature: string) => answered.map(({ values }) => values[feature]);
}

test("Feast's client writes, pushes and reads, and raises its own errors", async (t) => {
  const { url, addresses } = await platform(t);
  assert.notEqual(addresses.feastUrl, url);
  const report = (await client(t, addresses.feastUrl ?? '')) as Report;
  await checkValues(report, url);
  checkRaised(report);
});

/** Values are those that are known, and those that asof's own API gives. */
async function checkValues(report: Report, url: string): Promise<void> {
  const { features, full, composite, service, on_demand } = report.reads;
  assert.deepEqual(features?.driver_id, [1001, HUGE, 1003, 1004, 404]);
  assert.deepEqual(features?.conv_rate, [0.5, 5, 0.75, 0.125, null]);
  assert.deepEqual(features?.daily_trips, [10, HUGE, 3, 4, null]);
  assert.deepEqual(features?.name, ['gold', 'grün "1"', null, 'p', 'new']);
  assert.deepEqual(features?.events, [1, 1, 1, 1, 0]);
  assert.deepEqual(features?.by_region, [null, null, null, null, null]);
  assert.deepEqual(features?.last_rates, [[0.5], [5], [0.75], [0.125], null]);
  assert.deepEqual(full, {
    driver_id: [7, 7],
    region_id: ['a', 'b'],
    'driver_stats@v1__daily_trips': [null, null],
    region_stats__events: [1, 1],
  });
  const ids = `[{"driver_id":1001},{"driver_id":${HUGE}},{"driver_id":1003},{"driver_id":1004},{"driver_id":404}]`;
  const old = await ownValues(url, 'driver_old', 1, ids);
  assert.deepEqual(features?.daily_trips, old('daily_trips'));
  assert.deepEqual(composite?.region_rate, [0.25, 0.75]);
  const keys = '[{"driver_id":7,"region_id":"a"},{"driver_id":7,"region_id":"b"}]';
  const own = await ownValues(url, 'driver_activity', 2, keys);
  for (const name of ['conv_rate', 'region_rate', 'seen_in']) {
    assert.deepEqual(service?.[name], own(name), name);
  }
  assert.deepEqual(on_demand?.trips_plus, [15]);
  assert.deepEqual(report.online_read, [
    { conv_rate: 'double_val: 0.5', daily_trips: 'int64_val: 10' },
    { conv_rate: '', daily_trips: '' },
  ]);
  const { push, push_nowhere, not_json, health } = report.raw;
  assert.deepEqual(
    [push, health],
    [
      [200, ''],
      [200, ''],
    ],
  );
  assert.equal(push_nowhere?.[0], 422);
  assert.match(push_nowhere?.[1] ?? '', /PushSourceNotFoundException/);
  assert.equal(not_json?.[0], 422);
  assert.match(not_json?.[1] ?? '', /"detail":\[/);
}

const RAISED: Readonly<Record<string, readonly [string, RegExp]>> = {
  view: ['FeatureViewNotFoundException', /no view 'drivr_stats'.*Did you mean 'driver_stats'/],
  version: ['FeatureViewVersionNotFound', /driver_stats.*9/],
  feature: ['SpecifiedFeaturesNotPresentError', /'conv_rat'.*Did you mean 'conv_rate'/],
  service: ['FeatureServiceNotFoundException', /no_such/],
  key: ['FeastError', /lack the join keys 'region_id'; they have 'driver_id'/],
  collision: ['FeatureNameCollisionError', /'events'/],
  rows: ['FeastError', /1 of 1 rows were rejected, 0 were taken.*conv_rate|out_of_range/],
  // Its way to this route has no classes.
  materialize: ['RuntimeError', /Nothing has to be materialized.*not_supported/],
};

function checkRaised({ errors }: Report): void {
  assert.deepEqual(Object.keys(errors), Object.keys(RAISED));
  for (const [what, [className, says]] of Object.entries(RAISED)) {
    const [module, name, message] = errors[what] ?? [];
    const from = className === 'RuntimeError' ? 'builtins' : 'feast.errors';
    assert.deepEqual([module, name], [from, className], `${what}: ${message}`);
    assert.match(message ?? '', says, what);
  }
}
