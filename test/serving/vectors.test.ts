import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig } from '../../src/app/config.ts';
import { trainProject, verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import {
  entity,
  int64,
  last,
  latest,
  lifetime,
  service,
  stream,
  string,
  timestamp,
  vector,
  view,
} from '../../src/index.ts';
import { compileProject } from '../../src/plan/compile.ts';

const embedding = vector(3, { model: 'minilm@3' });
const items = stream('items', {
  columns: {
    at: timestamp(),
    item: string(),
    seller: string(),
    price: int64(),
    embedding: embedding.optional(),
  },
  eventTime: 'at',
  allowedLateness: '60d',
});
const item = entity('item', { keys: { item: string() } });
const seller = entity('seller', { keys: { seller: string() } });
const similar = view('similar_items', {
  version: 1,
  source: items,
  entity: item,
  key: { item: 'item' },
  features: (row) => ({
    embedding: latest(row.embedding, { ttl: '30d' }),
    price: latest(row.price),
  }),
  neighbors: { embedding: 'cosine' },
});
const sellers = view('seller_items', {
  version: 1,
  source: items,
  entity: seller,
  key: { seller: 'seller' },
  features: (row) => ({ newest: last(row.embedding).over(lifetime()) }),
});
const matches = service('matches', {
  version: 1,
  features: [similar.all(), sellers.all()],
  request: { query: vector(3, { model: 'minilm@3' }), liked: embedding.optional() },
  onDemand: ({ request, feature }) => ({
    match: request.query.cosine(feature.embedding).default(-1),
    apart: feature.embedding.distance(feature.newest),
    liking: request.liked.dot(feature.embedding).default(0),
  }),
});
const plan = compileProject([matches]);

const folder = mkdtempSync(join(tmpdir(), 'asof-vectors-'));
const config = loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
const NOW_MS = Date.now() - 60_000;
let platform: Platform;

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies differ from route to route.
  readonly body: any;
}

async function post(path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${platform.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  return { status: response.status, body: await response.json() };
}

const row = (name: string, embedding: unknown, more: object = {}): object => ({
  ...{ at: NOW_MS, item: name, seller: 's', price: 5, embedding },
  ...more,
});

before(async () => {
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  platform = await Platform.start(config, plan);
  const pushed = await post('/v1/events/items', [
    row('a', [1, 0, 0], { at: NOW_MS - 5 }),
    row('b', [0.9, 0.1, -1e-60], { price: 50 }),
    row('c', [0, 1, 0], { at: NOW_MS - 3, price: 7 }),
    row('d', null, { at: NOW_MS - 2 }),
    row('e', [0, 0, 0], { at: NOW_MS - 1 }),
    row('old', [1, 0, 0], { at: NOW_MS - 40 * 24 * 3_600_000 }),
  ]);
  assert.deepEqual(pushed.body.rejections, [], 'all rows are taken');
});

after(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

const near = [Math.fround(0.9), Math.fround(0.1), 0] as const;
const cosine = (a: readonly number[], b: readonly number[]): number => {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, one, i) => sum + one * (y[i] ?? 0), 0);
  return dot(a, b) / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)));
};

test('vectors are served as the float32 they are, measured, replayed and trained on', async () => {
  const rows = [
    { item: 'b', seller: 's', query: [1, 1e-60, 0.1], liked: [2, 0, 0] },
    { item: 'd', seller: 's', query: [1, 0, 0], liked: null },
    { item: 'e', seller: 'nobody', query: [1, 0, 0] },
  ];
  const { status, body } = await post('/v1/features', { service: 'matches', rows });
  assert.equal(status, 200, JSON.stringify(body));
  const [first, second, third] = body.rows;
  assert.deepEqual(first.values, {
    embedding: near,
    price: 50,
    newest: near,
    match: cosine([1, 0, Math.fround(0.1)], near),
    apart: 0,
    liking: 2 * near[0],
  });
  assert.deepEqual([second.values.embedding, second.statuses.embedding], [null, 'present']);
  assert.deepEqual([second.values.match, second.statuses.match], [-1, 'default']);
  assert.deepEqual([third.values.embedding, third.values.match], [[0, 0, 0], -1]);
  await platform.stop();
  const verified = await verifyProject(config, 100);
  assert.deepEqual(verified.mismatches, []);
  assert.equal(verified.answers, 3);
  const spine = join(folder, 'spine.ndjson');
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  writeFileSync(spine, rows.map((one) => JSON.stringify({ ...one, event_time: soon })).join('\n'));
  for (const extension of ['ndjson', 'csv', 'parquet', 'arrow']) {
    const out = join(folder, `out.${extension}`);
    await trainProject(config, { service: 'matches', spine, out });
    if (extension !== 'ndjson') continue;
    const [line = ''] = readFileSync(out, 'utf8').split('\n');
    const { embedding: trained, match } = JSON.parse(line);
    assert.deepEqual([trained, match], [near, first.values.match]);
  }
  platform = await Platform.start(config, plan);
});

test('a wrong vector is told, in a push and in a request', async () => {
  for (const [given, code] of [
    [[1, 2], 'wrong_type'],
    [[1, 2, 1e39], 'out_of_range'],
    [[1, 2, 'x'], 'wrong_type'],
    ['[1,2,3]', 'wrong_type'],
  ] as const) {
    const { body } = await post('/v1/events/items', [row('x', given)]);
    assert.equal(body.rejections[0].code, code, JSON.stringify(given));
    const rows = [{ item: 'b', seller: 's', query: given }];
    const answer = await post('/v1/features', { service: 'matches', rows });
    assert.deepEqual([answer.status, answer.body.error.code], [422, 'invalid_field']);
  }
});

/** The index follows in the background. */
async function ready(): Promise<void> {
  const { body: pushed } = await post('/v1/events/items', [row('zz', [-1, 0, 0])]);
  for (let tries = 0; tries < 200; tries++) {
    const { body } = await post('/v1/neighbors', {
      ...{ view: 'similar_items', feature: 'embedding', vector: [1, 0, 0] },
    });
    assert.ok(body.index, JSON.stringify(body));
    if (body.index.ready && body.index.commit >= pushed.commit) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('the index has not followed');
}

test('neighbors are the nearest rows as they are now, the nearest first', async () => {
  await ready();
  const asked = { view: 'similar_items', feature: 'embedding', features: ['price'] };
  const { status, body } = await post('/v1/neighbors', { ...asked, vector: [1, 0, 0], k: 3 });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(
    body.neighbors.map((one: { key: { item: string } }) => one.key.item),
    ['a', 'b', 'c'],
    'what has expired, is null or has no direction is no neighbor',
  );
  assert.equal(body.neighbors[1].measure, cosine([1, 0, 0], near));
  assert.deepEqual(body.neighbors[1].values, { embedding: near, price: 50 });
  assert.equal(body.metric, 'cosine');
  assert.equal(body.index.search, 'exact');
  assert.equal(body.complete, true);
  const of = await post('/v1/neighbors', { ...asked, key: { item: 'a' }, k: 2 });
  assert.deepEqual(of.body.neighbors[0].key, { item: 'b' });
  const where = [{ feature: 'price', op: 'lt', value: 10 }];
  const cheap = await post('/v1/neighbors', { ...asked, key: { item: 'a' }, k: 1, where });
  assert.deepEqual(cheap.body.neighbors[0].key, { item: 'c' });
  const keys = [{ item: 'c' }, { item: 'nobody' }];
  const only = await post('/v1/neighbors', { ...asked, vector: [1, 0, 0], keys });
  assert.deepEqual(
    only.body.neighbors.map((one: { key: object }) => one.key),
    [{ item: 'c' }],
  );
  await post('/v1/events/items', [row('a', [0, 0, 1], { at: NOW_MS + 10 })]);
  await ready();
  const later = await post('/v1/neighbors', { ...asked, vector: [0, 0, 2], k: 1 });
  assert.deepEqual(
    [later.body.neighbors[0].key, later.body.neighbors[0].measure],
    [{ item: 'a' }, 1],
  );
});

test('a wrong search is told what is wrong with it', async () => {
  const good = { view: 'similar_items', feature: 'embedding', vector: [1, 0, 0] };
  for (const [more, status, code] of [
    [{ vector: [1, 0] }, 422, 'invalid_field'],
    [{ vector: undefined }, 400, 'bad_request'],
    [{ k: 0 }, 400, 'bad_request'],
    [{ k: 10_000 }, 400, 'bad_request'],
    [{ view: 'similar_itemz' }, 404, 'unknown_view'],
    [{ feature: 'price' }, 404, 'unknown_feature'],
    [{ feature: 'nothing' }, 404, 'unknown_feature'],
    [{ vector: undefined, key: { item: 'd' } }, 422, 'invalid_key'],
    [{ vector: undefined, key: { itemm: 'd' } }, 422, 'invalid_key'],
    [{ where: [{ feature: 'price', op: 'about', value: 1 }] }, 400, 'bad_request'],
    [{ where: [{ feature: 'price', op: 'lt', value: 'x' }] }, 400, 'bad_request'],
    [{ surprise: 1 }, 400, 'bad_request'],
  ] as const) {
    const answer = await post('/v1/neighbors', { ...good, ...more });
    assert.deepEqual(
      [answer.status, answer.body.error.code],
      [status, code],
      `${JSON.stringify(more)}: ${JSON.stringify(answer.body)}`,
    );
  }
});

test('an index is in the metrics', async () => {
  const text = await (await fetch(`${platform.url}/metrics`)).text();
  assert.match(text, /asof_neighbor_vectors\{[^}]*feature="embedding"[^}]*\} \d/);
});
