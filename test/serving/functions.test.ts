import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { trainProject } from '../../src/app/offline.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import type { AsofError } from '../../src/base/errors.ts';
import { int64, service } from '../../src/index.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { checks, FunctionsWorld, risky, sluggish, spend } from './functions-world.ts';

let world: FunctionsWorld;

before(async () => {
  world = await FunctionsWorld.open();
});

after(() => world.close());

test('what a function breaks costs its own features, and what is made of them', async () => {
  const [loop, thrown, fine] = await world.ask(
    'risky',
    [1, 2, 4].map((x) => ({ card: 'a', x })),
  );
  const [glutton] = await world.ask('risky', [{ card: 'a', x: 3 }]);
  assert.deepEqual(loop?.values, { payments_1h: 3, twice: 2, trapped: -1, half: null });
  assert.deepEqual(loop?.statuses, {
    ...{ payments_1h: 'present', twice: 'present', trapped: 'timeout', half: 'timeout' },
  });
  assert.deepEqual([thrown?.values.trapped, thrown?.statuses.trapped], [-1, 'error']);
  assert.deepEqual([thrown?.values.half, thrown?.statuses.half], [-0.5, 'present']);
  assert.equal(glutton?.values.twice, 6);
  assert.ok(['error', 'timeout'].includes(String(glutton?.statuses.trapped)));
  assert.equal(fine?.values.twice, 8);
  const [again] = await world.ask('risky', [{ card: 'a', x: 5 }]);
  assert.deepEqual(again?.values, { payments_1h: 3, twice: 10, trapped: 5, half: 2.5 });
});

test('every form of an answer has what functions give', async () => {
  const response = await fetch(`${world.platform.url}/v1/features`, {
    method: 'POST',
    body: JSON.stringify({ service: 'risky', rows: [{ card: 'a', x: 6 }] }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/vnd.apache.arrow.stream',
    },
  });
  assert.equal(response.status, 200);
  const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
  assert.equal(Number(table.getChild('twice')?.get(0)), 12);
  assert.equal(table.getChild('half')?.get(0), 3);
  const called = await world.post('/asof.v1.FeatureService/GetFeatures', {
    service: 'risky',
    columns: [
      { name: 'card', strings: { values: ['a', 'a'] } },
      { name: 'x', int64s: { values: ['6', '2'] } },
    ],
  });
  const { features } = JSON.parse(called.text) as { features: { name: string }[] };
  const shown = features.map(({ name, ...values }) => [name, values]);
  assert.deepEqual(Object.fromEntries(shown).half, {
    ...{ type: 'float64', statuses: 'AQE=', doubles: { values: [3, -0.5] } },
  });
  const feast = await world.post('/get-online-features', {
    ...{ feature_service: 'risky', entities: { card: ['a', 'a'], x: [6, 2] } },
  });
  const { metadata, results } = JSON.parse(feast.text);
  const trapped = results[metadata.feature_names.indexOf('trapped')];
  assert.deepEqual(
    [trapped.values, trapped.statuses],
    [
      [6, -1],
      ['PRESENT', 'INVALID'],
    ],
  );
  const { text } = await world.post('/v1/features', {
    ...{ model: 'judge@1', rows: [{ card: 'a', x: 6 }] },
  });
  const { rows, contract } = JSON.parse(text);
  assert.deepEqual([rows[0].values, contract.fits], [{ half: 3, twice: 12 }, true]);
});

test('a request has its time, whatever its functions do', async () => {
  const [row] = await world.ask('sluggish', [{ card: 'a' }], { timeoutMs: 300 });
  assert.deepEqual(row?.values, { payments_1h: 3, never: null });
  assert.equal(row?.statuses.never, 'timeout');
});

test('many requests at the same time are answered, each with its own values', async () => {
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      world.ask('checks', [
        { card: 'a', i: String(i) },
        { card: 'nobody', i: String(-i) },
      ]),
    ),
  );
  for (const [i, rows] of all.entries()) {
    assert.deepEqual(
      rows.map(({ values }) => values.i_same),
      [i, -i + 0],
    );
  }
});

test('training fails where a function is cut off, and says for which inputs', async () => {
  const spine = join(world.folder, 'loop.ndjson');
  const soon = new Date(Date.now() + 1_000).toISOString();
  const rows = [4, 1, 2].map((x) => JSON.stringify({ card: 'a', x, event_time: soon }));
  writeFileSync(spine, rows.join('\n'));
  const out = join(world.folder, 'loop_out.ndjson');
  const asked = { service: 'risky', spine, out, statuses: true };
  await world.stop();
  await assert.rejects(trainProject(world.config, asked), {
    code: 'function_cut_off',
    message: /'trap' failed for \{ x: 1 \}/,
  });
  const report = await trainProject(world.config, { ...asked, allowFunctionTimeouts: true });
  assert.deepEqual(report.errors, { trapped: 1 });
  const lines = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ twice, trapped, trapped_status }) => [twice, trapped, trapped_status]),
    [
      [8, 4, 'present'],
      [2, -1, 'timeout'],
      [4, -1, 'error'],
    ],
  );
  await world.start();
});

test('another version answers as soon as it is applied, beside the one before', async () => {
  const next = service('risky', {
    version: 2,
    features: [spend.pick('payments_1h')],
    request: { x: int64() },
    functions: (chain) =>
      chain.compute('double', {
        version: 2,
        inputs: ['x'],
        outputs: { twice: int64() },
        run: ({ x }) => ({ twice: Number(x) * 20 }),
      }),
  });
  await world.platform.use(compileProject([checks, risky, sluggish, next]));
  const [now] = await world.ask('risky', [{ card: 'a', x: 4 }], { version: 2 });
  const [before] = await world.ask('risky', [{ card: 'a', x: 4 }], { version: 1 });
  assert.deepEqual([now?.values.twice, before?.values.twice], [80, 8]);
});

test('the same version with another text is refused, and the function is named', async () => {
  const changed = service('risky', {
    version: 1,
    features: [spend.pick('payments_1h')],
    request: { x: int64() },
    functions: (chain) =>
      chain.compute('double', {
        version: 1,
        inputs: ['x', 'payments_1h'],
        outputs: { twice: int64() },
        run: ({ x }) => ({ twice: Number(x) * 3 }),
      }),
  });
  const applied = withRegistry(world.config, (registry) =>
    registry.apply({ plan: compileProject([checks, changed, sluggish]), author: 'test' }),
  );
  await assert.rejects(applied, (error: AsofError) =>
    /function double text/.test(JSON.stringify(error.issues)),
  );
});
