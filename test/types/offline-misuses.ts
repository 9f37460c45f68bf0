/** Misuses of tables, attributes, on-demand features and datasets; see misuse.test.ts. */
export const OFFLINE_MISUSES: readonly (readonly [snippet: string, sentence: string])[] = [
  [
    `table('t', { columns, from, eventTime: 'origin' })`,
    'eventTime needs a timestamp column, but origin is a string',
  ],
  [
    `table('t', { columns, from, eventTime: { day: 'fare' } })`,
    'eventTime.day needs a string or a timestamp column, but fare is a decimal(2)',
  ],
  [
    `table('t', { columns, from, eventTime: 'departs', knownAt: 'note' })`,
    'knownAt needs a column that is never null, but note is optional',
  ],
  [
    `table('t', { columns: { a: timestamp(), b: timestamp() }, from, eventTime: 'a', knownAt: 'b', assumedDelay: '1h' })`,
    'knownAt says when a row was known; leave out assumedDelay',
  ],
  [
    `table('t', { columns, from, eventTime: 'departs', key: ['flght'] })`,
    `"flght"' is not assignable`,
  ],
  [
    `table('t', { columns, from, eventTime: 'departs', key: ['note'] })`,
    `"note"' is not assignable`,
  ],
  [
    `table('t', { columns, from, eventTime: 'departs', expect: { dely: { min: 0 } } })`,
    "'dely' does not exist",
  ],
  [
    `view('v', { ...shape, features: (f) => ({ e: latest(f.embedding) }), neighbors: { x: 'cosine' } })`,
    "'x' does not exist",
  ],
  [
    `view('v', { ...shape, features: (f) => ({ e: latest(f.embedding) }), derived: (f) => ({ x: f.e.eq(f.e) }) })`,
    "Property 'eq' does not exist",
  ],
  [
    `service('s', { version: 1, features: [ok.all()], request: { a: vector(3, { model: 'm@1' }), b: vector(3, { model: 'm@2' }) }, onDemand: ({ request }) => ({ x: request.a.cosine(request.b) }) })`,
    'a vector(3, m@1) is measured only against a vector(3, m@1), but this one is a vector(3, m@2)',
  ],
  [
    `service('s', { version: 1, features: [ok.all()], request: { a: vector(3), b: vector(4) }, onDemand: ({ request }) => ({ x: request.a.dot(request.b) }) })`,
    'a vector(3) is measured only against a vector(3), but this one is a vector(4)',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: latest(f.delay).over(hour) }) })`,
    "Property 'over' does not exist",
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: count().over(hour) }), expect: { m: { min: 0 } } })`,
    "'m' does not exist",
  ],
  [
    `service('s', { version: 1, features: [ok.pick('n_1h')], request: { airport: string() } })`,
    'the request field airport has the name of something else in the service',
  ],
  [
    `service('s', { version: 1, features: [ok.pick('n_1h')], onDemand: ({ feature }) => ({ n_1h: feature.n_1h.mul(2) }) })`,
    'the on-demand feature n_1h has the name of something else in the service',
  ],
  [
    `service('s', { version: 1, features: [ok.pick('n_1h')], onDemand: ({ feature }) => ({ x: feature.n_2h.mul(2) }) })`,
    "Property 'n_2h' does not exist",
  ],
  [
    `service('s', { version: 1, features: [ok.pick('n_1h')], onDemand: ({ request }) => ({ x: request.fare.mul(2) }) })`,
    "Property 'fare' does not exist",
  ],
  [
    `service('s', { version: 1, features: [ok.pick({ n: 'n_1h' })], onDemand: ({ feature }) => ({ x: feature.n.mul(2) }), serving: { required: ['n', 'x', 'n_1h'] } })`,
    "Property 'n_1h' is missing",
  ],
  [
    `service('s', { version: 1, features: [ok.pick('n_1h')], serving: { required: ['n_2h'] } })`,
    "required in type '{ readonly onDemand: (row: never) => { readonly n_2h: unknown; }; }'",
  ],
  [
    `service('s', { version: 1, features: [ok.all()], serving: { timeout: '50' } })`,
    'is not assignable to type',
  ],
  [
    `service('s', { version: 1, features: [ok.all()], serving: { onFailure: 'ignore' } })`,
    `'"ignore"' is not assignable to type 'FailurePolicy`,
  ],
  [
    `label({ source: flights, entity: airport, key: { airport: 'origin' }, value: () => count().over(hour), horizon: '1d' })`,
    'a label covers its horizon; leave out .over(…)',
  ],
  [
    `label({ source: flights, entity: airport, key: { airport: 'delay' }, value: () => count(), horizon: '1d' })`,
    'the join key airport is a string, but the column delay is an int64',
  ],
  [
    `label({ source: flights, entity: airport, key: { airport: 'origin' }, value: (f) => topK(f.delay, 3), horizon: '1d' }).default(0)`,
    'a list(int64) has no default; it is null where nothing happened',
  ],
  [
    `dataset('d', { version: 1, service: fares, spine: spineEvents(flights, { columns: { airport: 'origin' } }) })`,
    'the spine lacks the column fare; add it to columns',
  ],
  [
    `dataset('d', { version: 1, service: fares, spine: spineEvents(flights, { columns: { fare: 'fare' } }), labels: { late } })`,
    'the spine lacks the column airport; add it to columns',
  ],
  [`spineEvents(flights, { columns: { airport: 'orign' } })`, `"orign"' is not assignable`],
];
