import fc from 'fast-check';
import type { RawRequest } from './raw-http.ts';
import { NAMES, type Schema, textOfSchema, wildText } from './wild-json.ts';

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

/** What the OpenAPI document says of one method of one path. */
export interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses?: Readonly<Record<string, Content>>;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export interface FuzzedRequest {
  readonly route: Route;
  readonly request: RawRequest;
}

export function routesOf({ paths }: OpenApi): Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      operation,
      method: method.toUpperCase(),
    })),
  );
}

/** Requests of any of the routes: as documented, nearly so, and not at all. */
export function requestsOf(routes: readonly Route[]): fc.Arbitrary<FuzzedRequest> {
  return fc.oneof(
    ...routes.map((route) => requestOf(route).map((request) => ({ route, request }))),
  );
}

function requestOf(route: Route): fc.Arbitrary<RawRequest> {
  return fc
    .record({
      method: methodOf(route),
      target: targetOf(route),
      body: bodyOf(route),
      headers: oddHeaders,
      lie: fc.oneof(
        { weight: 30, arbitrary: fc.constant('true' as const) },
        { weight: 4, arbitrary: fc.constant('chunked' as const) },
        { weight: 1, arbitrary: fc.constant('short' as const) },
        { weight: 1, arbitrary: fc.constant('long' as const) },
      ),
    })
    .map(({ method, target, body, headers, lie }) => {
      const { length } = body.bytes;
      const said = {
        true: length,
        chunked: null,
        short: Math.floor(length / 2),
        long: length + 10,
      };
      const type: [string, string][] = body.type === null ? [] : [['content-type', body.type]];
      return {
        method,
        target,
        body: body.bytes,
        length: said[lie],
        headers: [...type, ...headers],
      };
    });
}

function methodOf({ method }: Route): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 30, arbitrary: fc.constant(method) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'),
    },
  );
}

/** What the placeholders of paths may stand for. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  '{source}': ['payments'],
  '{name}': ['shopping', 'banking', 'at_shop'],
  '{kind}': ['service', 'view', 'model'],
  '{version}': ['1', '2'],
  '{run}': ['run-1'],
  '{chunk}': ['0', '1'],
};

/** Bodies that are answered, as places to begin from. */
const GOOD: Readonly<Record<string, readonly string[]>> = {
  '/v1/features': [
    '{"service":"shopping","rows":[{"card":"c1","shop":"s1"},{"card":"é","shop":"s2"}]}',
    '{"service":"banking","version":1,"rows":[{"account":9007199254740993}]}',
  ],
  '/v1/events/{source}': [
    '[{"payment":"f1","card":"c9","shop":"s9","account":9,"amount":1.25,"embedding":[1,2],"at":1}]',
    '{"payment":"f2","card":"c9","shop":"s9","account":"9007199254740993","at":"2030-01-01T00:00:00Z"}',
  ],
  '/get-online-features': [
    '{"entities":{"card":["c1","c2"],"shop":["s1","s2"]},"feature_service":"shopping"}',
    '{"entities":{"account":[1,9007199254740993]},"features":["of_account:last_points"]}',
  ],
  '/push': [
    '{"push_source_name":"payments","df":{"card":["c9"],"shop":["s"],"account":[1],"at":[1]}}',
  ],
  '/write-to-online-store': [
    '{"feature_view_name":"of_account","df":{"account":[1],"last_points":[2],"event_timestamp":["2030-01-01T00:00:00"]}}',
  ],
  '/v1/neighbors': ['{"view":"at_shop","feature":"spent_24h","vector":[1,2],"k":3}'],
  '/v1/dead-letters/{source}/readmit': ['{"code":"wrong_type","limit":2}'],
};

const WILD_SEGMENTS = ['%00', '%ff', '%2e%2e%2f', '%F0%9F%98%80', '%zz', 'a%20b', '..', '%5B1%5D'];

function targetOf({ path, operation }: Route): fc.Arbitrary<string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([whole]) => whole);
  const segmentOf = (name: string): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...(PLACES[name] ?? NAMES)) },
      { weight: 2, arbitrary: fc.constantFrom(...NAMES).map(encodeURIComponent) },
      { weight: 1, arbitrary: fc.constantFrom(...WILD_SEGMENTS) },
      { weight: 1, arbitrary: fc.webSegment() },
    );
  const filled = fc
    .tuple(...names.map(segmentOf))
    .map((segments) =>
      names.reduce((text, name, i) => text.replace(name, segments[i] ?? ''), path),
    );
  return fc.tuple(filled, queryOf(operation)).map(([url, query]) => `${url}${query}`);
}

function queryOf({ parameters = [] }: Operation): fc.Arbitrary<string> {
  const known = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const name = fc.oneof(fc.constantFrom(...known, 'unknown', '__proto__'), fc.webQueryParameters());
  const value = fc.oneof(
    fc.constantFrom('1', '0', '-1', '1e9', 'many', '', '%00', '%ff', 'true', '9'.repeat(40)),
    fc.webQueryParameters(),
  );
  const pair = fc.tuple(name, value).map(([key, text]) => `${key}=${text}`);
  const pairs = fc.array(pair, { minLength: 1, maxLength: 3 }).map((all) => `?${all.join('&')}`);
  return fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: pairs });
}

interface Body {
  readonly type: string | null;
  readonly bytes: Uint8Array;
}

const TYPES = [
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'text/plain',
  'application/x-ndjson',
  'multipart/form-data; boundary=x',
  'application/vnd.asof.columns',
  'nonsense',
  ';',
];

function bodyOf({ operation, method, path }: Route): fc.Arbitrary<Body> {
  const none = fc.constant<Body>({ type: null, bytes: new Uint8Array() });
  const { content = {} } = operation.requestBody ?? {};
  const declared = Object.entries(content).map(([type, { schema }]) => damaged(type, schema));
  for (const text of GOOD[path] ?? []) {
    const bytes = new Uint8Array(Buffer.from(text));
    declared.push(damage('application/json', fc.constant(bytes)));
  }
  const wild = fc.tuple(fc.constantFrom(...TYPES), wildText).map(([type, text]) => ({
    type,
    bytes: new Uint8Array(Buffer.from(text)),
  }));
  if (declared.length === 0) {
    return method === 'GET'
      ? fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: wild })
      : fc.oneof(none, wild);
  }
  return fc.oneof(
    { weight: 12, arbitrary: fc.oneof(...declared) },
    { weight: 2, arbitrary: wild },
    { weight: 1, arbitrary: none },
  );
}

/** A fitting body; in half of the cases with one place where it is not. */
function damaged(type: string, schema: Schema | undefined): fc.Arbitrary<Body> {
  const text = type.includes('json') && !type.includes('ndjson') ? textOfSchema(schema) : linesText;
  return damage(
    type,
    text.map((one) => new Uint8Array(Buffer.from(one))),
  );
}

function damage(type: string, whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Body> {
  const place = fc.nat(1_000_000);
  const broken = fc
    .tuple(whole, place, fc.constantFrom('cut', 'flip', 'insert', 'remove', 'mark'), fc.nat(255))
    .map(([bytes, at, how, byte]) =>
      breakAt(bytes, bytes.length === 0 ? 0 : at % bytes.length, how, byte),
    );
  return fc.oneof(whole, broken).map((bytes) => ({ type, bytes }));
}

const linesText = fc
  .array(textOfSchema({ type: 'object', patternProperties: { '.*': {} } }), { maxLength: 4 })
  .map((lines) => lines.join('\n'));

function breakAt(bytes: Uint8Array, at: number, how: string, byte: number): Uint8Array {
  const before = bytes.slice(0, at);
  if (how === 'cut') return before;
  if (how === 'mark')
    return new Uint8Array(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]));
  const after = bytes.slice(how === 'insert' ? at : at + 1);
  const middle =
    how === 'remove' ? [] : [how === 'flip' ? (bytes[at] ?? 0) ^ (1 << (byte % 8)) : byte];
  return new Uint8Array(Buffer.concat([before, Buffer.from(middle), after]));
}

const oddHeaders = fc.oneof(
  { weight: 8, arbitrary: fc.constant<[string, string][]>([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<[string, string][][]>(
      [['content-encoding', 'gzip']],
      [['authorization', 'Bearer nonsense']],
      [['accept', 'image/png']],
      [['expect', '100-continue']],
      [['asof-schema', 'x']],
      [['asof-timeout', '-5s']],
      [['x-long', 'x'.repeat(8_000)]],
      [['x-longest', 'x'.repeat(20_000)]],
      [['upgrade', 'websocket']],
      [['range', 'bytes=0-1']],
      [['if-none-match', '*']],
      [['traceparent', 'ff']],
      [['x-binary', 'caf\u00e9']],
    ),
  },
);
