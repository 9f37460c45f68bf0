import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bool, decimal, float64, int64, string, vector } from '../define/column.ts';
import { service } from '../define/service.ts';
import { canonicalJson } from './canonical.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import type { FunctionPlan } from './function-form.ts';
import { Lineage } from './lineage.ts';
import { parsePlan } from './load.ts';
import type { ServicePlan } from './plan.ts';
import { issuesOf, spending } from './sample-shop.fixture.ts';

type Options = Parameters<typeof service>[1];

const half = (amount: number): number => amount / 2;
const STEPS = [1, 2, 3];

function priced(change: object = {}) {
  return service('priced', {
    version: 1,
    features: [spending.all()],
    request: { amount: float64(), note: string().optional() },
    functions: (chain: never) =>
      (chain as { compute: (name: string, options: object) => object }).compute('pricing', {
        version: 1,
        inputs: ['amount', 'note', 'spent_7d'],
        outputs: { price: float64().default(0), level: int64().optional(), ok: bool() },
        uses: { half, STEPS },
        run: ({ amount }: { amount: number }) => ({
          price: half(amount),
          level: STEPS.length,
          ok: true,
        }),
        ...change,
      }),
  } as unknown as Options);
}

function serviceOf(one: unknown): ServicePlan {
  const [found] = compileProject([one]).services;
  assert.ok(found);
  return found;
}

function functionOf(change: object = {}): FunctionPlan {
  const [found] = serviceOf(priced(change)).functions ?? [];
  assert.ok(found);
  return found;
}

test('a function is its text, its types and what it uses by name', () => {
  const found = functionOf();
  assert.match(found.source, /^\(\{ amount \}\s*\) => \(\{/);
  assert.deepEqual(
    found.inputs.map(({ name, type, nullable }) => [name, type.kind, nullable]),
    [
      ['amount', 'float64', false],
      ['note', 'string', true],
      ['spent_7d', 'decimal', true],
    ],
  );
  assert.deepEqual(
    found.outputs.map(({ name, nullable, default: fallback }) => [name, nullable, fallback]),
    [
      ['price', true, 0],
      ['level', true, null],
      ['ok', false, null],
    ],
  );
  assert.deepEqual(
    found.uses.map(({ name, kind, text }) => [name, kind, text.replace(/\s+/g, ' ')]),
    [
      ['half', 'code', '(amount ) => amount / 2'],
      ['STEPS', 'data', '[1,2,3]'],
    ],
  );
  assert.deepEqual([found.timeoutMs, found.memoryMiB, found.cacheTtlMs], [5, 32, null]);
});

test('methods and functions are expressions too; what has no text of its own is refused', () => {
  const { run } = {
    run({ amount }: { amount: number }) {
      return { price: amount, level: 1, ok: true };
    },
  };
  assert.match(functionOf({ run }).source, /^\(\{ run\(/);
  const refused = [
    half.bind(null),
    Math.abs,
    async () => ({}),
    function* () {},
    () => import('node:fs'),
    7,
  ];
  for (const given of refused) {
    assert.equal(
      issuesOf(priced({ run: given }))[0]?.path,
      'services.priced.functions.pricing.run',
    );
  }
});

test('what means something is in the hash, and what bounds a call is not', () => {
  const hashOf = (change: object): string => serviceOf(priced(change)).hash;
  const before = hashOf({});
  const meanings = [
    { version: 2 },
    { inputs: ['amount'] },
    { outputs: { price: float64().default(1), level: int64().optional(), ok: bool() } },
    { run: ({ amount }: { amount: number }) => ({ price: amount, level: 1, ok: true }) },
    { uses: { half, STEPS: [1, 2] } },
    { uses: { half: (x: number) => x, STEPS } },
    { network: { hosts: ['a.example'] } },
  ];
  const hashes = new Set([before, ...meanings.map(hashOf)]);
  assert.equal(hashes.size, meanings.length + 1);
  const bounds = [
    { timeout: '50ms' },
    { memory: '64MB' },
    { cache: { ttl: '1m' } },
    { description: 'x' },
  ];
  for (const bound of bounds) assert.equal(hashOf(bound), before);
  const asked = { network: { hosts: ['a.example'] } };
  assert.notEqual(hashOf({ ...asked, cache: { ttl: '1m' } }), hashOf(asked));
});

test('a plan with functions is read again as it was, and not with another text', () => {
  const plan = compileProject([priced()]);
  const text = canonicalJson(plan);
  assert.equal(canonicalJson(parsePlan(text)), text);
  assert.throws(() => parsePlan(text.replace('half(amount)', 'half(1)')), {
    code: 'unreadable_file',
  });
});

test('another text under the same version is told by name', () => {
  const after = compileProject([priced({ run: () => ({ price: 1, level: 1, ok: false }) })]);
  const before = compileProject([priced()]);
  const [change] = diffPlans(before, after).changes;
  assert.ok(change);
  assert.match(canonicalJson(change), /function pricing text/);
  assert.match(canonicalJson(change), /function_changed/);
  const bounds = diffPlans(before, compileProject([priced({ timeout: '9ms' })]));
  assert.match(canonicalJson(bounds), /bounds of the function pricing/);
});

test('outputs come from the inputs', () => {
  const lineage = Lineage.of(compileProject([priced()]));
  const walk = lineage.upstreamOf(['on_demand:priced@1.price'], { depth: 1 });
  assert.deepEqual(walk.nodes.map(({ id }) => id).toSorted(), [
    'output:priced@1.spent_7d',
    'request:priced@1.amount',
    'request:priced@1.note',
  ]);
});

test('every mistake is an issue at its place', () => {
  const places = (change: object) => issuesOf(priced(change)).map(({ path }) => path);
  const at = 'services.priced.functions.pricing';
  const wrong: readonly (readonly [object, string])[] = [
    [{ inputs: ['amout'] }, `${at}.inputs.amout`],
    [{ inputs: ['price'] }, `${at}.inputs.price`],
    [{ outputs: {} }, `${at}.outputs`],
    [{ outputs: { amount: float64() } }, `${at}.outputs.amount`],
    [{ outputs: { user: float64() } }, `${at}.outputs.user`],
    [{ outputs: { v: vector(3) } }, `${at}.outputs.v`],
    [{ outputs: { v: decimal(2).min(1) } }, `${at}.outputs.v`],
    [{ outputs: { v: int64().default(0.5) } }, `${at}.outputs.v`],
    [{ version: 0 }, `${at}.version`],
    [{ timeout: '5 minutes' }, `${at}.timeout`],
    [{ timeout: '1h' }, `${at}.timeout`],
    [{ memory: '1TB' }, `${at}.memory`],
    [{ cache: { ttl: '2w' } }, `${at}.cache.ttl`],
    [{ network: { hosts: [] } }, `${at}.network`],
    [{ network: { hosts: ['https://a.example/'] } }, `${at}.network`],
    [{ uses: { 'a-b': 1 } }, `${at}.uses`],
    [{ uses: { when: new Date(0) } }, `${at}.uses`],
    [{ uses: { big: 'x'.repeat(70_000) } }, `${at}.run`],
    [{ tymeout: '5ms' }, `${at}.tymeout`],
  ];
  for (const [change, place] of wrong) assert.ok(places(change).includes(place), place);
});
