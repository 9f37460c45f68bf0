import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '../../src/app/config.ts';
import { trainProject, verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import type { AsofError } from '../../src/base/errors.ts';
import { pause } from '../../src/base/pause.ts';
import {
  bool,
  count,
  decimal,
  entity,
  float64,
  int64,
  last,
  lifetime,
  service,
  sliding,
  stream,
  string,
  sum,
  timestamp,
  topK,
  view,
} from '../../src/index.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { parseJson } from '../../src/schema/json.ts';

const payments = stream('payments', {
  columns: { at: timestamp(), card: string(), shop: string(), amount: decimal(2), units: int64() },
  eventTime: 'at',
});
const card = entity('card', { keys: { card: string() } });
const spend = view('spend', {
  version: 1,
  source: payments,
  entity: card,
  key: { card: 'card' },
  features: (payment) => ({
    payments_1h: count().over(sliding('1h')),
    spent: sum(payment.amount).over(lifetime()),
    units: sum(payment.units).over(lifetime()),
    shop: last(payment.shop).over(lifetime()),
    shops: topK(payment.shop, 2).over(lifetime()),
  }),
});

const told = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(told).join()}]`;
  return value === null ? 'null' : `${typeof value} ${String(value)}`;
};
const STEPS = { small: 10, large: 1000 };

const checks = service('checks', {
  version: 1,
  features: [spend.all()],
  request: {
    f: float64().optional(),
    i: int64().optional(),
    d: decimal(3).optional(),
    b: bool().optional(),
    s: string().optional(),
    t: timestamp().optional(),
  },
  onDemand: ({ request }) => ({ doubled: request.i.mul(2) }),
  functions: (chain) =>
    chain
      .compute('same', {
        version: 1,
        inputs: ['f', 'i', 'd', 'b', 's', 't'],
        outputs: {
          f_same: float64().optional(),
          i_same: int64().optional(),
          d_same: decimal(3).optional(),
          b_same: bool().optional(),
          s_same: string().optional(),
          t_same: timestamp().optional(),
        },
        timeout: '1s',
        run: ({ f, i, d, b, s, t }) => ({
          f_same: f,
          i_same: i,
          d_same: d,
          b_same: b,
          s_same: s,
          t_same: t,
        }),
      })
      .compute('tell', {
        version: 1,
        inputs: ['f', 'i', 'd', 'b', 's', 'doubled', 'spent', 'units', 'shop', 'shops', 'f_same'],
        outputs: { told: string(), size: int64().default(-1) },
        timeout: '1s',
        uses: { told, STEPS },
        run: (input) => ({
          told: Object.values(input).map(told).join(),
          size: input.f === null ? null : Math.abs(input.f) > STEPS.large ? 1 : 0,
        }),
      }),
});

const risky = service('risky', {
  version: 1,
  features: [spend.pick('payments_1h')],
  request: { x: int64() },
  functions: (chain) =>
    chain
      .compute('double', {
        version: 1,
        inputs: ['x', 'payments_1h'],
        outputs: { twice: int64() },
        run: ({ x }) => ({ twice: Number(x) * 2 }),
      })
      .compute('trap', {
        version: 1,
        inputs: ['x'],
        outputs: { trapped: float64().default(-1) },
        run: ({ x }) => {
          if (x === 1) for (;;);
          if (x === 2) throw new Error('two');
          if (x === 3) return { trapped: new Array(1e8).fill(0).length };
          return { trapped: Number(x) };
        },
      })
      .compute('after', {
        version: 1,
        inputs: ['trapped'],
        outputs: { half: float64() },
        run: ({ trapped }) => ({ half: trapped / 2 }),
      }),
});
const sluggish = service('sluggish', {
  version: 1,
  features: [spend.pick('payments_1h')],
  functions: (chain) =>
    chain.compute('wait', {
      version: 1,
      inputs: ['payments_1h'],
      outputs: { never: int64() },
      timeout: '10s',
      run: ({ payments_1h }) => {
        for (let i = payments_1h; ; i++) if (i < 0) return { never: i };
      },
    }),
});
const plan = compileProject([checks, risky, sluggish]);

const folder = mkdtempSync(join(tmpdir(), 'asof-functions-'));
const config = loadConfig(folder, { port: 0, logLevel: 'silent', serveLogRate: 1 }, {});
const NOW_MS = Date.now() - 60_000;
let platform: Platform;

async function post(path: string, body: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${platform.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  return { status: response.status, text: await response.text() };
}

interface Row {
  readonly values: Record<string, unknown>;
  readonly statuses: Record<string, string>;
}

async function ask(name: string, rows: readonly object[], more: object = {}): Promise<Row[]> {
  let { status, text } = await post('/v1/features', { service: name, rows, ...more });
  // A machine that is busy with other tests sends requests away, and says when to come again.
  for (let tries = 0; status === 429 && tries < 50; tries++) {
    await pause(JSON.parse(text).error.retryAfterMs);
    ({ status, text } = await post('/v1/features', { service: name, rows, ...more }));
  }
  assert.equal(status, 200, text);
  return (parseJson(text) as { rows: Row[] }).rows;
}

before(async () => {
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  platform = await Platform.start(config, plan);
  const shops = ['é', 'b', 'é'];
  const pushed = await post(
    '/v1/events/payments',
    shops.map((shop, i) => ({
      ...{ at: NOW_MS + i, card: 'a', shop, amount: '10.25' },
      units: String(2n ** 60n),
    })),
  );
  assert.equal(pushed.status, 200, pushed.text);
});

after(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

const text = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((one) => !one.includes('\0'));
const asked = fc.record({
  card: fc.constantFrom('a', 'nobody'),
  f: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  i: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  d: fc.option(fc.integer({ min: -1e12, max: 1e12 }).map((units) => (units / 1000).toFixed(3))),
  b: fc.option(fc.boolean()),
  s: fc.option(text),
  t: fc.option(fc.integer({ min: 0, max: 4e12 })),
});

test('values of every type go through serving, replay and training with the same bits', async () => {
  const rows = fc.sample(asked, { numRuns: 300, seed: 7 });
  const served = await ask('checks', rows);
  for (const [at, { values, statuses }] of served.entries()) {
    const { f, i, b, s, t } = rows[at] as (typeof rows)[number];
    assert.deepEqual(values.f_same, f === null ? null : f + 0);
    assert.deepEqual(String(values.i_same), String(i));
    assert.deepEqual([values.b_same, values.s_same, values.t_same], [b, s, t]);
    assert.equal(values.d_same, (values.d_same as number | null) ?? null);
    assert.equal(statuses.told, 'present');
    // An input that overflowed is known to have no value, and so is what would be its default.
    const isBroken = statuses.doubled === 'error';
    assert.equal(statuses.size, f !== null ? 'present' : isBroken ? 'error' : 'default');
  }
  assert.match(String(served[0]?.values.told), /bigint|number|null/);
  await platform.stop();
  const verified = await verifyProject(config, 300);
  assert.deepEqual(verified.mismatches, []);
  assert.equal(verified.answers, 300);
  const spine = join(folder, 'spine.ndjson');
  const soon = new Date(Date.now() + 1_000).toISOString();
  const lineOf = (one: object): string =>
    JSON.stringify({ ...one, event_time: soon }).replace(/"i":"(-?\d+)"/, '"i":$1');
  writeFileSync(spine, rows.map(lineOf).join('\n'));
  const out = join(folder, 'out.ndjson');
  await trainProject(config, { service: 'checks', spine, out, prefix: 'x_', statuses: true });
  const lines = readFileSync(out, 'utf8').trim().split('\n');
  assert.equal(lines.length, rows.length);
  const names = ['f_same', 'i_same', 'd_same', 'b_same', 's_same', 't_same', 'told', 'size'];
  for (const [at, line] of lines.entries()) {
    const trained = parseJson(line) as Record<string, unknown>;
    for (const name of names) {
      const { values, statuses } = served[at] as Row;
      assert.deepEqual(trained[`x_${name}`], values[name], `${name} of row ${at}`);
      assert.equal(trained[`x_${name}_status`], statuses[name]);
    }
  }
  platform = await Platform.start(config, plan);
});

test('what a function breaks costs its own features, and what is made of them', async () => {
  const [loop, thrown, fine] = await ask(
    'risky',
    [1, 2, 4].map((x) => ({ card: 'a', x })),
  );
  const [glutton] = await ask('risky', [{ card: 'a', x: 3 }]);
  assert.deepEqual(loop?.values, { payments_1h: 3, twice: 2, trapped: -1, half: null });
  assert.deepEqual(loop?.statuses, {
    ...{ payments_1h: 'present', twice: 'present', trapped: 'timeout', half: 'timeout' },
  });
  assert.deepEqual([thrown?.values.trapped, thrown?.statuses.trapped], [-1, 'error']);
  assert.deepEqual([thrown?.values.half, thrown?.statuses.half], [-0.5, 'present']);
  assert.equal(glutton?.values.twice, 6);
  assert.ok(['error', 'timeout'].includes(String(glutton?.statuses.trapped)));
  assert.equal(fine?.values.twice, 8);
  const [again] = await ask('risky', [{ card: 'a', x: 5 }]);
  assert.deepEqual(again?.values, { payments_1h: 3, twice: 10, trapped: 5, half: 2.5 });
});

test('a request has its time, whatever its functions do', async () => {
  const [row] = await ask('sluggish', [{ card: 'a' }], { timeoutMs: 300 });
  assert.deepEqual(row?.values, { payments_1h: 3, never: null });
  assert.equal(row?.statuses.never, 'timeout');
});

test('many requests at the same time are answered, each with its own values', async () => {
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      ask('checks', [
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
  const spine = join(folder, 'loop.ndjson');
  const soon = new Date(Date.now() + 1_000).toISOString();
  const rows = [4, 1, 2].map((x) => JSON.stringify({ card: 'a', x, event_time: soon }));
  writeFileSync(spine, rows.join('\n'));
  const out = join(folder, 'loop_out.ndjson');
  const asked = { service: 'risky', spine, out, statuses: true };
  await platform.stop();
  await assert.rejects(trainProject(config, asked), {
    code: 'function_cut_off',
    message: /'trap' failed for \{ x: 1 \}/,
  });
  const report = await trainProject(config, { ...asked, allowFunctionTimeouts: true });
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
  platform = await Platform.start(config, plan);
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
  await platform.use(compileProject([checks, risky, sluggish, next]));
  const [now] = await ask('risky', [{ card: 'a', x: 4 }], { version: 2 });
  const [before] = await ask('risky', [{ card: 'a', x: 4 }], { version: 1 });
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
  const applied = withRegistry(config, (registry) =>
    registry.apply({ plan: compileProject([checks, changed, sluggish]), author: 'test' }),
  );
  await assert.rejects(applied, (error: AsofError) =>
    /function double text/.test(JSON.stringify(error.issues)),
  );
});
