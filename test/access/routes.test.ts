import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessWorld, type Who } from './world.ts';

interface Route {
  readonly method: string;
  readonly path: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: string;
}

/** What is there of hush, by the place that a name has in a request. */
const REAL = {
  source: 'hush.payments',
  name: 'hush.checks',
  model: 'hush.scorer',
  entity: 'hush.card',
  view: 'hush.use',
  node: 'feature:hush.use@1.uses',
};
/** Of the same namespace, and of one that there is not; of the same form. */
const ABSENT = [
  {
    source: 'hush.absentee',
    name: 'hush.absent',
    model: 'hush.absent',
    entity: 'hush.nobody',
    view: 'hush.not',
    node: 'feature:hush.not@1.uses',
  },
  {
    source: 'ghost.payments',
    name: 'ghost.checks',
    model: 'ghost.scorer',
    entity: 'ghost.card',
    view: 'ghost.use',
    node: 'feature:ghost.use@1.uses',
  },
];
type Names = typeof REAL;

const OPEN = ['/healthz', '/readyz', '/health'];
/** Refused to everybody alike: they name nothing. */
const REFUSED = ['/materialize', '/materialize-incremental'];
/** Feast's clients look for this status where a source is unknown. */
const UNKNOWN: Readonly<Record<string, number>> = { '/push': 422 };
/** Lists, cut to what may be read: they name nothing. */
const LISTS = [
  '/metrics',
  '/openapi.json',
  '/v1/approvals',
  '/v1/catalogue',
  '/v1/cost',
  '/v1/dead-letters',
  '/v1/lifecycle',
  '/v1/services',
  '/v1/status',
];

/** A request of a route about these names; a route that names things in a new way is said here. */
function requestOf({ method, path }: Route, names: Names): { url: string; init: RequestInit } {
  const parameters: Record<string, string> = {
    ...{ source: names.source, name: names.name, node: names.node },
    ...{ run: 'r1', chunk: '1', id: 'f-1', kind: 'service', version: '1' },
  };
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    assert.ok(value !== undefined, `${path}: the test does not know what '${name}' names`);
    return encodeURIComponent(value);
  });
  if (method === 'GET') return { url, init: {} };
  const send = (type: string, body: string) => ({
    url,
    init: { method, body, headers: { 'content-type': type } },
  });
  if (path === '/v1/features') {
    return send('application/json', JSON.stringify({ service: names.name, rows: [{ card: 'a' }] }));
  }
  if (path === '/v1/events/{source}') {
    return send('application/x-ndjson', '{"payment":"p","card":"a","amount":1,"at":1}');
  }
  if (path === '/v1/forget') {
    return send('application/json', JSON.stringify({ subjects: [`${names.entity}=a`] }));
  }
  if (path.endsWith('/{chunk}')) return send('application/vnd.asof.bulk', 'x');
  if (path.startsWith('/v1/lifecycle/')) return send('application/json', 'null');
  const df = { card: ['a'], event_timestamp: ['2001-01-01T00:00:00'] };
  const bodies: Record<string, object> = {
    '/get-online-features': { feature_service: names.name, entities: { card: ['a'] } },
    '/push': { push_source_name: names.source, df },
    '/v1/neighbors': { view: names.view, feature: 'uses', key: { card: 'a' } },
    '/write-to-online-store': { feature_view_name: names.view, df },
  };
  if (path in bodies) return send('application/json', JSON.stringify(bodies[path]));
  if (path.endsWith('/readmit')) return send('application/json', 'null');
  return { url, init: { method } };
}

test('no route tells another team, or nobody, anything of a team', async (t) => {
  const world = await AccessWorld.create(t);
  const base = await world.serve();
  const ask = async (who: Who, url: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = { ...init.headers, ...world.headers(who) };
    const response = await fetch(base + url, { ...init, headers });
    const shown = [...response.headers].filter(
      ([name]) => !['date', 'content-length'].includes(name),
    );
    return { status: response.status, text: await response.text(), headers: JSON.stringify(shown) };
  };
  const document = JSON.parse((await ask('admin', '/openapi.json')).text);
  const routes: Route[] = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
  assert.ok(routes.length >= 18, String(routes.length));
  // Something is there that could be told.
  const event = { payment: 'secret-id', card: 'secret-card', amount: 42, at: Date.now() };
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const rows = JSON.stringify([event, { card: 'secret-reject' }]);
  await ask('admin', '/v1/events/hush.payments', { ...init, body: rows });

  for (const route of routes) {
    const title = `${route.method} ${route.path}`;
    const { url, init: asked } = requestOf(route, REAL);
    const nobody = await ask('nobody', url, asked);
    if (OPEN.includes(route.path)) {
      assert.equal(nobody.status, 200, title);
      const said = JSON.parse(nobody.text || '{"state":0}');
      const told = route.path === '/readyz' ? ['state', 'ready', 'degraded', 'reasons'] : ['state'];
      assert.deepEqual(Object.keys(said), told, title);
      assert.deepEqual(said.reasons ?? [], [], title);
      continue;
    }
    assert.equal(nobody.status, 401, title);
    assert.match(nobody.headers, /www-authenticate/, title);
    for (const who of ['shop_reader', 'shop_admin'] as const) {
      const answer = await ask(who, url, asked);
      if (LISTS.includes(route.path)) {
        assert.equal(answer.status, 200, `${title} as ${who}`);
        if (route.path !== '/openapi.json')
          assert.doesNotMatch(answer.text, /hush|secret|card/, title);
        continue;
      }
      if (REFUSED.includes(route.path)) {
        assert.equal(answer.status, 422, `${title} as ${who}`);
        continue;
      }
      assert.equal(
        answer.status,
        who === 'shop_reader' ? answer.status : (UNKNOWN[route.path] ?? 404),
        `${title} as ${who}`,
      );
      for (const names of ABSENT) {
        const other = requestOf(route, names);
        const absent = await ask(who, other.url, other.init);
        assert.deepEqual(renamed(absent, names), renamed(answer, REAL), `${title} as ${who}`);
      }
      assert.doesNotMatch(renamed(answer, REAL).text, /hush|secret/, `${title} as ${who}`);
    }
    const own = await ask('hush_reader', url, asked);
    assert.notEqual(own.status, 401, `${title} as a reader of its own`);
    if (route.method === 'GET' && !/shadow|node|forget/.test(route.path)) {
      assert.ok([200, 403].includes(own.status), `${title} as a reader: ${own.status} ${own.text}`);
    }
  }

  await readingsAsModel(ask);
  await labelsAndRoles(ask);
  await viewsByThemselves(ask);
  await hostileNames(ask);
});

/** The same answer with its names taken out. */
function renamed(answer: Answer, names: Names): Answer {
  let { text } = answer;
  for (const name of Object.values(names)) text = text.replaceAll(name, '<name>');
  text = text.replaceAll(/(hush|ghost)\.(use|not)@1\.uses/g, '<name>');
  return { ...answer, text };
}

type Ask = (who: Who, url: string, init?: RequestInit) => Promise<Answer>;

const post = (body: object): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
});

async function readingsAsModel(ask: Ask): Promise<void> {
  const of = (model: string) => post({ model, rows: [{ card: 'a' }] });
  assert.equal((await ask('hush_reader', '/v1/features', of('hush.scorer@1'))).status, 200);
  // The service has a restricted feature, but not the answer to a model that does not read it.
  const counted = await ask('hush_reader', '/v1/features', of('hush.counter@1'));
  assert.equal(counted.status, 200, counted.text);
  assert.doesNotMatch(counted.text, /spent/);
  const told = await ask('hush_reader', '/v1/features', of('hush.teller@1'));
  assert.equal(told.status, 403);
  const named = post({ service: 'hush.sums', model: 'hush.counter@1', rows: [{ card: 'a' }] });
  assert.equal((await ask('hush_reader', '/v1/features', named)).status, 200);
  const real = await ask('shop_admin', '/v1/features', of('hush.scorer@1'));
  const absent = await ask('shop_admin', '/v1/features', of('ghost.scorer@1'));
  assert.equal(real.status, 404);
  assert.equal(real.text.replace('hush', '_'), absent.text.replace('ghost', '_'));
}

/** Features that no service puts together are guarded one by one. */
async function viewsByThemselves(ask: Ask): Promise<void> {
  const of = (view: string, feature: string) =>
    post({ entities: { card: ['secret-card'] }, features: [`${view}:${feature}`] });
  const free = await ask('hush_reader', '/get-online-features', of('hush.use', 'uses'));
  assert.equal(free.status, 200, free.text);
  const held = await ask('hush_reader', '/get-online-features', of('hush.use', 'spent'));
  assert.equal(held.status, 403);
  assert.match(held.text, /FeastPermissionError.*hush\.use@1\.spent \('money'\)/);
  assert.doesNotMatch(held.text, /42/);
  for (const feature of ['uses', 'absent']) {
    const real = await ask('shop_admin', '/get-online-features', of('hush.use', feature));
    const absent = await ask('shop_admin', '/get-online-features', of('ghost.use', feature));
    assert.equal(real.status, 404);
    assert.equal(real.text.replaceAll('hush', '_'), absent.text.replaceAll('ghost', '_'));
  }
}

/** What derives from a restricted column is refused as a whole, with its name; and roles are held to. */
async function labelsAndRoles(ask: Ask): Promise<void> {
  const rows = [{ card: 'secret-card' }];
  const free = await ask('hush_reader', '/v1/features', post({ service: 'hush.checks', rows }));
  assert.equal(free.status, 200);
  assert.match(free.text, /"uses":1/);
  const held = await ask('hush_reader', '/v1/features', post({ service: 'hush.sums', rows }));
  assert.equal(held.status, 403);
  assert.match(held.text, /hush\.use@1\.spent \('money'\)/);
  assert.doesNotMatch(held.text, /42/);
  const omitted = post({ service: 'hush.sums', rows, onDenied: 'omit' });
  const rest = await ask('hush_reader', '/v1/features', omitted);
  assert.equal(rest.status, 200, rest.text);
  assert.doesNotMatch(rest.text, /42/);
  const [row] = JSON.parse(rest.text).rows;
  for (const [name, status] of Object.entries(row.statuses)) {
    assert.equal(status === 'denied', row.values[name] === null, name);
  }
  assert.ok(Object.values(row.statuses).includes('denied'));
  const told = post({ model: 'hush.teller@1', rows: [{ card: 'a' }], onDenied: 'omit' });
  const asModel = await ask('hush_reader', '/v1/features', told);
  assert.equal(asModel.status, 200, asModel.text);
  assert.match(asModel.text, /"denied"/);
  assert.doesNotMatch(asModel.text, /"contract"/);
  const elsewhere = await ask('shop_admin', '/v1/features', omitted);
  assert.equal(elsewhere.status, 404);
  const letters = await ask('hush_reader', '/v1/dead-letters/hush.payments');
  assert.equal(letters.status, 403);
  assert.doesNotMatch(letters.text, /secret-reject/);
  const pushed = await ask('hush_reader', '/v1/events/hush.payments', post([]));
  assert.equal(pushed.status, 403);
  assert.match(pushed.text, /role writer in the namespace 'hush'/);
}

async function hostileNames(ask: Ask): Promise<void> {
  const names = [
    '../../etc/passwd',
    '..%2f..%2fregistry.db',
    "x' OR '1'='1",
    'hush.payments\u0000',
    'shop.orders/../hush.payments',
    'hush.payments ',
    '*',
    'constructor',
    '__proto__',
  ];
  for (const name of names) {
    for (const path of ['/v1/events/', '/v1/dead-letters/', '/v1/services/']) {
      const init = path === '/v1/events/' ? post([]) : {};
      const { status, text } = await ask('shop_admin', path + encodeURIComponent(name), init);
      assert.ok([400, 404].includes(status), `${path}${name}: ${status}`);
      assert.doesNotMatch(
        text.replaceAll(JSON.stringify(name).slice(1, -1), ''),
        /hush|passwd:|SQLite/,
      );
    }
  }
}
