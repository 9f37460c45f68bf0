import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CENTS, done, endsOf, FLOAT, giving, INT64, reasonOf, TEXT } from './sandbox.fixture.ts';

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
