import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { seededRandom } from '../../base/random.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { processTimers } from '../../base/timers.ts';
import type { FunctionPlan } from '../../plan/function-form.ts';
import type { CallEnd, FunctionValue } from '../../plan/function-runner.ts';
import { functionDigest } from '../../plan/hash.ts';
import type { Scalar, ValueType } from '../../schema/types.ts';
import { FunctionSandbox } from './function-sandbox.ts';

const PATIENCE_MS = 60_000;

function newSandbox(): FunctionSandbox {
  const sandbox = new FunctionSandbox({
    clock: systemClock,
    timers: processTimers,
    random: seededRandom(1),
    logger: silentLogger,
    processes: 1,
  });
  after(() => sandbox.close());
  return sandbox;
}

function functionOf(source: string, change: Partial<FunctionPlan> = {}): FunctionPlan {
  const plan = {
    ...{ name: 'f', version: 1, source, uses: [], network: null },
    inputs: [{ name: 'x', type: { kind: 'float64', scale: 6 }, nullable: true }],
    outputs: [{ name: 'y', type: { kind: 'float64', scale: 6 }, nullable: true, default: null }],
    ...{ timeoutMs: 20, memoryMiB: 32, cacheTtlMs: null },
    ...change,
  } as const;
  const meta = { owner: null, description: null, tags: [] };
  return { ...plan, digest: functionDigest(plan), meta };
}

const FLOAT = { kind: 'float64', scale: 6 } as const;
const INT64 = { kind: 'int64' } as const;
const TEXT = { kind: 'string' } as const;
const CENTS = { kind: 'decimal', scale: 2 } as const;

function giving(type: ValueType): Partial<FunctionPlan> {
  return { outputs: [{ name: 'y', type, nullable: true, default: null }] };
}

const sandbox = newSandbox();

async function endsOf(
  source: string,
  inputs: readonly FunctionValue[] = [1],
  change: Partial<FunctionPlan> = {},
  own = sandbox,
): Promise<readonly CallEnd[]> {
  return own.run(
    functionOf(source, change),
    inputs.map((x) => [x]),
    PATIENCE_MS,
  );
}

async function reasonOf(source: string, own = sandbox): Promise<string> {
  const [end] = await endsOf(source, [1], {}, own);
  assert.ok(end !== undefined && end.kind !== 'done', JSON.stringify(end));
  return end.reason;
}

const done = (...values: Scalar[]): CallEnd => ({ kind: 'done', values });

test('calls end in their order, with what the function gives', async () => {
  assert.deepEqual(await endsOf('({ x }) => ({ y: x * 2 })', [1, 2, 3]), [
    done(2),
    done(4),
    done(6),
  ]);
  const big = 2n ** 62n;
  const same = '({ x }) => ({ y: x })';
  const kinds = [
    [big, INT64],
    ['é\u0000\u{1f600}', TEXT],
    [true, { kind: 'bool' }],
    [null, TEXT],
    [-1.5e-300, FLOAT],
    [1.5, { kind: 'timestamp' }],
  ] as const;
  for (const [value, type] of kinds.slice(0, -1)) {
    assert.deepEqual(await endsOf(same, [value], giving(type)), [done(value)]);
  }
  for (const [value] of kinds) {
    for (const wrong of kinds.map(([, type]) => type)) {
      const [end] = await endsOf(same, [value], giving(wrong));
      const isFit = value === null || kinds.some(([one, type]) => one === value && type === wrong);
      if (!isFit || value === 1.5) {
        const isNumber = typeof value === 'number' && wrong === FLOAT;
        assert.equal(end?.kind, isNumber ? 'done' : 'error', `${String(value)} ${wrong.kind}`);
      }
    }
  }
  assert.deepEqual(await endsOf(same, [1.125, 1.375, -0], giving(CENTS)), [
    done(112),
    done(138),
    done(0),
  ]);
});

test('lists and histograms come as arrays of the language, and cannot be told from them', async () => {
  const source =
    '({ x }) => ({ y: x instanceof Array ? x.map((one) => one.value ?? one).join() : "none" })';
  assert.deepEqual(await endsOf(source, [[1, 2]], giving(TEXT)), [done('1,2')]);
  assert.deepEqual(await endsOf(source, [[{ value: 'a', count: 2 }]], giving(TEXT)), [done('a')]);
});

test('what is used by name is there, frozen, and nothing else is', async () => {
  const uses = [
    { name: 'half', kind: 'code', text: '(x) => x / LIMITS.by' },
    { name: 'LIMITS', kind: 'data', text: '{"by":2,"list":[1]}' },
  ] as const;
  assert.deepEqual(await endsOf('({ x }) => ({ y: half(x) })', [3], { uses }), [done(1.5)]);
  for (const change of ['LIMITS.by = 3', 'LIMITS.list.push(1)', 'half.count = 1']) {
    const [end] = await endsOf(`() => { ${change}; return { y: 1 }; }`, [3], { uses });
    assert.equal(end?.kind, 'error', change);
  }
  assert.match(await reasonOf('() => ({ y: half(1) })'), /half is not defined/);
});

test('what is thrown, or is no output, is an error of that call alone', async () => {
  const source = '({ x }) => { if (x === 2) throw new Error("two"); return { y: x }; }';
  const ends = await endsOf(source, [1, 2, 3]);
  assert.deepEqual(ends, [done(1), { kind: 'error', reason: 'Error: two' }, done(3)]);
  assert.match(await reasonOf('() => ({ z: 1 })'), /nothing for 'y'/);
  assert.match(await reasonOf('() => ({ y: [1] })'), /no single value for 'y'/);
  assert.match(await reasonOf('() => 7'), /no object/);
  assert.match(await reasonOf('() => ({ y: 2n ** 64n })'), /too large/);
  assert.match(await reasonOf('() => ({ y: "x".repeat(100000) })'), /too large/);
  assert.match(
    await reasonOf('() => { throw { get message() { throw 1; } }; }'),
    /threw an object/,
  );
  assert.match(await reasonOf('() => ({ get y() { throw new Error("late"); } })'), /late/);
  assert.match(await reasonOf('() => { const f = () => f() + 1; return { y: f() }; }'), /stack/);
  assert.match(await reasonOf('() => {'), /cannot be made/);
});

test('clocks, chance, locale and ways out are not there', async () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['Date.now()', /name asOfMs among the inputs/],
    ['new Date()', /name asOfMs among the inputs/],
    ['new Date(0).getHours()', /UTC/],
    ['Math.random()', /same when it is computed again/],
    ['"a".localeCompare("b")', /where it runs/],
    ['(5).toLocaleString()', /where it runs/],
    ['eval("1")', /Code generation/],
    ['(() => {}).constructor("return process")()', /Code generation/],
    ['fetch("http://127.0.0.1/")', /fetch is not defined/],
    ['process.exit()', /process is not defined/],
    ['require("fs")', /require is not defined/],
    ['setTimeout(() => {}, 0)', /setTimeout is not defined/],
    ['new Uint8Array(2 ** 33)', /Uint8Array is not defined/],
    ['new WebSocket("ws://127.0.0.1")', /WebSocket is not defined/],
  ];
  for (const [text, reason] of refused)
    assert.match(await reasonOf(`() => ({ y: ${text} })`), reason);
  const utc = '() => ({ y: new Date(Date.UTC(2024, 0, 2)).toISOString() })';
  assert.deepEqual(await endsOf(utc, [1], giving(TEXT)), [done('2024-01-02T00:00:00.000Z')]);
});

test('nothing is left from one call to the next, or to another function', async () => {
  const changes = [
    'Object.prototype.leak = x',
    'Array.prototype.push = () => 0',
    'globalThis.leak = x',
    'JSON.leak = x',
    'Math.max = () => 0',
    '(function* () {}).constructor.prototype.leak = x',
    'Error.stackTraceLimit = x',
    'RegExp.prototype.test.leak = x',
  ];
  for (const change of changes) {
    const source = `({ x }) => { ${change}; return { y: 1 }; }`;
    assert.match(await reasonOf(source), /TypeError/, change);
  }
  const last =
    '({ x }) => { const seen = RegExp.$1; /(a)/.test("a"); return { y: String(seen) }; }';
  assert.deepEqual(await endsOf(last, [1, 2], giving(TEXT)), [
    done('undefined'),
    done('undefined'),
  ]);
  const own = 'function f({ x }) { f.sum = (f.sum ?? 0) + x; return { y: f.sum }; }';
  assert.match(await reasonOf(own), /TypeError/);
  const legal =
    '() => { const o = {}; o.toString = () => "own"; class E extends Error { constructor() { super("m"); this.name = "E"; } } return { y: String(o) + new E().name }; }';
  assert.deepEqual(await endsOf(legal, [1], giving(TEXT)), [done('ownE')]);
});

const RUNAWAYS: readonly (readonly [string, string])[] = [
  ['an endless loop', 'for (;;);'],
  ['a regular expression without end', '/^(a+)+$/.test("a".repeat(50) + "b");'],
  ['a search in a list of holes', 'const a = []; a[4294967290] = 1; a.indexOf(5);'],
  ['digits without end', 'let n = 3n; for (;;) n = n * n;'],
];

for (const [name, body] of RUNAWAYS) {
  test(`cut off: ${name}; the other calls of the request are answered`, async () => {
    const own = newSandbox();
    const source = `({ x }) => { if (x === 2) { ${body} } return { y: x }; }`;
    const ends = await endsOf(source, [1, 2, 3], {}, own);
    assert.deepEqual([ends[0], ends[2]], [done(1), done(3)]);
    assert.equal(ends[1]?.kind, 'timeout');
    assert.match(JSON.stringify(ends[1]), /20 ms of CPU time/);
  });
}

const GLUTTONS: readonly (readonly [string, string])[] = [
  ['a huge list', 'new Array(1e8).fill(x);'],
  ['a list that grows', 'const a = []; for (;;) a.push([x]);'],
  ['a huge map', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, i);'],
  ['texts', 'const a = []; for (;;) a.push(("x" + a.length).repeat(2 ** 24).split(""));'],
];

for (const [name, body] of GLUTTONS) {
  test(`out of memory: ${name}; it costs that call alone`, async () => {
    const own = newSandbox();
    const source = `({ x }) => { if (x === 2) { ${body} } return { y: x }; }`;
    const ends = await endsOf(source, [1, 2, 3], { timeoutMs: 10_000 }, own);
    assert.deepEqual([ends[0], ends[2]], [done(1), done(3)]);
    assert.deepEqual(ends[1]?.kind, 'unavailable', JSON.stringify(ends[1]));
    assert.match(JSON.stringify(ends[1]), /memory/);
  });
}

test('a function whose making does not end costs nobody else anything', async () => {
  const own = newSandbox();
  const [stuck, fine] = await Promise.all([
    endsOf('(() => { for (;;); })()', [1], {}, own),
    endsOf('({ x }) => ({ y: x })', [7], {}, own),
  ]);
  assert.equal(stuck[0]?.kind, 'timeout');
  assert.deepEqual(fine, [done(7)]);
});

test('one that is cut off again and again is left alone, and others go on', async () => {
  const own = newSandbox();
  const loop = '() => { for (;;); }';
  for (let i = 0; i < SERVING_LIMITS.functionFailures; i++) await endsOf(loop, [1], {}, own);
  assert.match(await reasonOf(loop, own), /left alone/);
  assert.deepEqual(await endsOf('({ x }) => ({ y: x })', [7], {}, own), [done(7)]);
  const totals = own.totals().find(({ isLeftAlone }) => isLeftAlone);
  assert.equal(totals?.timeouts, SERVING_LIMITS.functionFailures);
});

test('a request whose time is over gets what there is, and never waits', async () => {
  const own = newSandbox();
  const slow = functionOf('() => { for (let i = 0; ; i++); }', { timeoutMs: 5_000 });
  const [end] = await own.run(slow, [[1]], 50);
  assert.equal(end?.kind, 'timeout');
  assert.match(JSON.stringify(end), /within the time of the request/);
});

test('more calls than may wait fail at once', async () => {
  const own = newSandbox();
  const calls = Array.from({ length: SERVING_LIMITS.functionCallsWaiting + 1 }, () => [1]);
  const ends = await own.run(functionOf('() => ({ y: 1 })'), calls, PATIENCE_MS);
  assert.deepEqual(
    [ends.length, ends[0]],
    [calls.length, { kind: 'unavailable', reason: 'too many calls wait' }],
  );
});

test('many requests at the same time are all answered, each with its own', async () => {
  const source = '({ x }) => ({ y: x + 1 })';
  const all = await Promise.all(
    Array.from({ length: 200 }, (_, i) => endsOf(source, [i, i + 0.5])),
  );
  for (const [i, ends] of all.entries()) assert.deepEqual(ends, [done(i + 1), done(i + 1.5)]);
});

test('only the hosts that are declared are asked, and only for as long', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/slow') return;
    if (request.url === '/away') {
      response.writeHead(302, { location: 'http://127.0.0.2:1/' });
      response.end();
      return;
    }
    if (request.url === '/large') {
      response.end('x'.repeat(SERVING_LIMITS.functionResponseBytes + 1));
      return;
    }
    response.end(`${request.method} ${request.headers['x-key']}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = (path: string, at = host) =>
    endsOf(
      `(_, { network }) => ({ y: network.request('http://${at}${path}', { headers: { 'x-key': 'k' } }).body })`,
      [1],
      { network: { hosts: [host], timeoutMs: 300 }, ...giving(TEXT) },
    );
  assert.deepEqual(await ask('/'), [done('GET k')]);
  assert.match(JSON.stringify(await ask('/', '127.0.0.2:1')), /not declared/);
  assert.match(JSON.stringify(await ask('/slow')), /no answer within 300 ms/);
  assert.match(JSON.stringify(await ask('/away')), /redirect/);
  assert.match(JSON.stringify(await ask('/large')), /at most/);
  const many = `(_, { network }) => { for (let i = 0; i < 99; i++) network.request('http://${host}/'); return { y: 1 }; }`;
  const [end] = await endsOf(many, [1], { network: { hosts: [host], timeoutMs: 300 } });
  assert.match(JSON.stringify(end), /at most 8 requests/);
});
