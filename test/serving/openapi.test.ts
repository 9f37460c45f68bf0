import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import type { HttpDependencies } from '../../src/http/dependencies.ts';
import { createHttpWorld, flight, post } from './http-world.ts';

const ROUTES = [
  'post /v1/features',
  'get /v1/services',
  'get /v1/services/{name}',
  'post /v1/events/{source}',
  'get /v1/dead-letters',
  'get /v1/dead-letters/{source}',
  'get /v1/dead-letters/{source}/counts',
  'get /v1/dead-letters/{source}/export',
  'post /v1/dead-letters/{source}/readmit',
  'get /v1/sources/{source}/lateness',
  'get /v1/status',
  'get /healthz',
  'get /readyz',
  'get /metrics',
  'get /openapi.json',
];

test('the OpenAPI document has every route, and its schemas fit the answers', async (t) => {
  const http = await createHttpWorld(t);
  const document = (await http.app.inject('/openapi.json')).json();
  assert.equal(document.openapi, '3.1.0');
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method} ${path}`),
  );
  for (const route of ROUTES) assert.ok(routes.includes(route), `${route} of ${routes}`);
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods as object).map((route) => route.operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(!ids.includes(undefined));
  const content = document.paths['/v1/events/{source}'].post.requestBody.content;
  const types = ['application/json', 'application/x-ndjson', 'application/vnd.asof.columns'];
  assert.deepEqual(Object.keys(content), types);
  const answers: [string, string, unknown][] = [
    ['/v1/services', 'get', (await http.app.inject('/v1/services')).json()],
    ['/v1/status', 'get', (await http.app.inject('/v1/status')).json()],
    [
      '/v1/features',
      'post',
      (await post(http, '/v1/features', { service: 'airport_now', rows: [{ airport: 'x' }] })).body,
    ],
    ['/v1/events/{source}', 'post', (await post(http, '/v1/events/flights', [flight('z')])).body],
  ];
  for (const [path, method, answer] of answers) {
    const schema = document.paths[path][method].responses['200'].content['application/json'].schema;
    const errors = [...Compile(schema).Errors(answer)];
    assert.deepEqual(errors, [], `${path}: ${JSON.stringify(errors)}`);
  }
});

test('every route has examples, which its own schemas take, and its errors by their codes', async (t) => {
  const http = await createHttpWorld(t, { ...everyRoute() });
  const document = (await http.app.inject('/openapi.json')).json();
  const wrong: string[] = [];
  let checked = 0;
  const check = (what: string, content: Readonly<Record<string, Media>> = {}): void => {
    for (const [type, { schema, example }] of Object.entries(content)) {
      if (schema === undefined || example === undefined) wrong.push(`${what} has no example`);
      else {
        checked += 1;
        const errors = [...Compile(schema).Errors(example)];
        if (errors.length > 0) wrong.push(`${what} as ${type}: ${JSON.stringify(errors)}`);
      }
    }
  };
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods as Record<string, Operation>)) {
      const name = `${method} ${path}`;
      check(`the request of ${name}`, operation.requestBody?.content);
      for (const [status, response] of Object.entries(operation.responses)) {
        check(`${status} of ${name}`, response.content);
      }
      for (const status of ['429', '503', '504']) {
        const { description = '', content = {} } = operation.responses[status] ?? {};
        const { properties = {} } = content['application/json']?.schema ?? {};
        // Readiness is told in a form of its own.
        if (path === '/readyz' && !('error' in properties)) continue;
        assert.match(description, /[a-z]+_[a-z]+/, `${status} of ${name}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(checked > 100, `${checked} examples`);
});

interface Media {
  readonly schema?: object & { readonly properties?: object };
  readonly example?: unknown;
}

interface Operation {
  readonly requestBody?: { readonly content?: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description?: string; readonly content?: Readonly<Record<string, Media>> }
    >
  >;
}

/** Ports that are never called: routes that are there only with them are described as well. */
function everyRoute(): Partial<HttpDependencies> {
  const port = new Proxy({}, { get: () => () => ({}) });
  const ports = ['bulk', 'explore', 'forget', 'lifecycle', 'feast', 'neighbors', 'store', 'cost'];
  return Object.fromEntries(ports.map((name) => [name, port]));
}
