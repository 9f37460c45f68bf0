import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payment, plan, Shop } from './world.ts';

const note = {
  name: 'note',
  type: { kind: 'string' },
  optional: true,
  min: null,
  max: null,
} as const;

/** The same project after its owner declared the column that events brought. */
const fixed = {
  ...plan,
  sources: plan.sources.map((source) => ({ ...source, columns: [...source.columns, note] })),
};

const readmit = (shop: Shop, body: object | null, source = 'payments') =>
  shop.post(
    `/v1/dead-letters/${source}/readmit`,
    JSON.stringify(body),
    'application/json',
  ) as Promise<{ status: number; json: Record<string, unknown> & { error?: { code: string } } }>;

test('what was rejected can be admitted after a fix, each event once', async (t) => {
  const shop = await Shop.open(t);
  const rows = [1, 2, 3].map((n) => payment({ payment: `noted${n}`, note: 'x' }));
  await shop.pushLines([payment({ payment: 'first' }), ...rows, '{"broken', rows[0] ?? '']);
  await shop.pushLines([payment({ payment: 'first' })]);
  const before = await readmit(shop, {});
  assert.equal(before.status, 200);
  assert.equal(before.json.tried, 5, 'all but the duplicate');
  assert.equal(before.json.rejected, 5);
  await shop.platform.use(fixed);
  const one = await readmit(shop, { code: 'unknown_column', limit: 1 });
  assert.deepEqual([one.json.tried, one.json.accepted], [1, 1]);
  const [all, meanwhile] = await Promise.all([readmit(shop, null), readmit(shop, {})]);
  assert.deepEqual([all.json.tried, all.json.accepted, all.json.rejected], [4, 2, 2]);
  const codes = (all.json.rejections as { code: string }[]).map(({ code }) => code);
  assert.deepEqual(codes, ['malformed_json', 'duplicate']);
  assert.equal(meanwhile.json.accepted, 0);
  assert.equal(await shop.paymentsOf('c1', 's1'), 4);
});

test('a readmission that names nothing sound is refused', async (t) => {
  const shop = await Shop.open(t);
  for (const body of [{ code: 'no_such' }, { day: 'today' }, { limit: -1 }, { cod: 'x' }]) {
    const { status, json } = await readmit(shop, body);
    assert.deepEqual([status, json.error?.code], [400, 'bad_request'], JSON.stringify(body));
  }
  const { status, json } = await readmit(shop, {}, 'paymnets');
  assert.deepEqual([status, json.error?.code], [404, 'unknown_source']);
  const day = await readmit(shop, { day: '2020-01-01' });
  assert.equal(day.json.tried, 0);
});
