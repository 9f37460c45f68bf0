import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import {
  done,
  endsOf,
  functionOf,
  giving,
  newSandbox,
  PATIENCE_MS,
  reasonOf,
  TEXT,
} from './sandbox.fixture.ts';

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

test('calls that nobody waits for any more keep nobody else waiting', async () => {
  const own = newSandbox();
  const slow = functionOf('({ x }) => { for (let i = 0; i < 1e8; i++) x += 1; return { y: x }; }', {
    timeoutMs: 10_000,
  });
  const many = Array.from({ length: SERVING_LIMITS.functionCallsAtOnce }, (_, i) => [i]);
  const ends = await own.run(slow, many, 1_000);
  assert.equal(ends.at(-1)?.kind, 'timeout');
  const [next] = await own.run(functionOf('({ x }) => ({ y: x })'), [[7]], 10_000);
  assert.deepEqual(next, done(7));
  assert.equal(
    own.totals().some(({ isLeftAlone }) => isLeftAlone),
    false,
  );
});

test('bounds that are changed in place hold from the next call on', async () => {
  const own = newSandbox();
  const source = '({ x }) => { for (let i = 0; i < 3e8; i++) x += 1; return { y: 1 }; }';
  const before = functionOf(source, { timeoutMs: 10 });
  const after = functionOf(source, { timeoutMs: 10_000 });
  assert.equal(before.digest, after.digest);
  own.use([before]);
  assert.equal((await own.run(before, [[1]], PATIENCE_MS))[0]?.kind, 'timeout');
  own.use([after]);
  assert.deepEqual(await own.run(after, [[1]], PATIENCE_MS), [done(1)]);
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

test('where no process can be started, calls end at once', async (t) => {
  const { TMPDIR } = process.env;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  process.env.TMPDIR = '/nowhere/at/all';
  const own = newSandbox();
  const plan = functionOf('({ x }) => ({ y: x })');
  own.use([plan]);
  for (let i = 0; i < 3; i++) {
    assert.match(await reasonOf('({ x }) => ({ y: x })', own), /no process could be started/);
  }
});
