import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EVOLUTION_MISUSES } from './evolution-misuses.ts';
import { FUNCTION_MISUSES } from './function-misuses.ts';
import { OFFLINE_MISUSES } from './offline-misuses.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const PREAMBLE = `
import { avg, bool, count, countDistinct, dataset, decimal, entity, float64, histogram, int64, label, last, lastN, latest, max, median, parquet, quantile, service, session, sliding, spineEvents, stream, string, sum, table, timestamp, topK, vector, view, when } from '${root}src/index.ts';
const airport = entity('airport', { keys: { airport: string() } });
const columns = {
  flight: string(), origin: string(), delay: int64(), fare: decimal(2), tax: decimal(4), weight: float64(),
  late: bool(), departs: timestamp(), note: timestamp().optional(), embedding: vector(8),
};
const flights = stream('flights', { columns, eventTime: 'departs' });
const shape = { version: 1, source: flights, entity: airport, key: { airport: 'origin' } } as const;
const hour = sliding('1h');
const ok = view('ok', { ...shape, features: () => ({ n_1h: count().over(hour), n_2h: count().over(sliding('2h')) }) });
const from = parquet('x');
const fares = service('fares', { version: 1, features: [ok.pick('n_1h')], request: { fare: decimal(2) } });
const late = label({ source: flights, entity: airport, key: { airport: 'origin' }, value: (f) => max(f.delay), horizon: '1d' }).default(0);
const rows = spineEvents(flights, { columns: { airport: 'origin', fare: 'fare' } });
export const sound = dataset('sound', { version: 1, service: fares, spine: rows, labels: { late } });
export { avg, countDistinct, from, histogram, last, lastN, latest, max, median, ok, quantile, service, session, sum, table, topK, when };
`;

const WIDE = Array.from({ length: 300 }, (_, index) => `f${index}`);

/** A pick of more names than the compiler recurses into plainly. */
const WIDE_PROJECT = [
  `const wide = view('wide', { ...shape, features: () => ({ ${WIDE.map((name) => `${name}: count().over(hour)`).join(', ')} }) });`,
  `export const wideModel = service('wide', { version: 1, features: [wide.pick(${WIDE.map((name) => `'${name}'`).join(', ')})] });`,
  '',
].join('\n');

const SOUND = PREAMBLE + WIDE_PROJECT;

/** Each snippet is wrong in one way, and the compiler's error holds the sentence beside it. */
const MISUSES: readonly (readonly [snippet: string, sentence: string])[] = [
  [
    `stream('s', { columns, eventTime: 'departz' })`,
    'eventTime names a column that the source does not have: departz',
  ],
  [
    `stream('s', { columns, eventTime: 'origin' })`,
    'eventTime needs a timestamp column, but origin is a string',
  ],
  [
    `stream('s', { columns, eventTime: 'note' })`,
    'eventTime needs a column that is never null, but note is optional',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', id: 'fare' })`,
    'id needs a string or an int64 column, but fare is a decimal(2)',
  ],
  [
    `view('v', { ...shape, key: { airport: 'delay' }, features: () => ({ n: count().over(hour) }) })`,
    'the join key airport is a string, but the column delay is an int64',
  ],
  [
    `view('v', { ...shape, key: { airport: 'orign' }, features: () => ({ n: count().over(hour) }) })`,
    'the join key airport names a column that the source does not have: orign',
  ],
  [
    `view('v', { ...shape, key: { airport: 'origin', port: 'origin' }, features: () => ({ n: count().over(hour) }) })`,
    'the entity has no join key port',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: sum(f.dealy).over(hour) }) })`,
    "Did you mean 'delay'?",
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: sum(f.origin).over(hour) }) })`,
    'sum needs a number column, but this one is a string',
  ],
  [
    `view('v', { ...shape, features: () => ({ n: count().over(hour).as('float32') }) })`,
    'only a float64 is kept in fewer bits, but this one is an int64',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: avg(f.delay).over(hour).as('int4') }) })`,
    'Argument of type \'"int4"\' is not assignable',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: avg(f.departs).over(hour) }) })`,
    'avg needs a number column, but this one is a timestamp',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: max(f.late).over(hour) }) })`,
    'max needs an ordered column, but this one is a bool',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: max(f.embedding as never).over(hour), e: lastN(f.embedding, 2).over(hour) }) })`,
    'lastN needs a scalar column, but this one is a vector(8)',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: count().where(f.delay.gt('x')).over(hour) }) })`,
    'an int64 compares only with an int64, but this one is a string',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: count().where(f.delay.gt(f.weight)).over(hour) }) })`,
    'an int64 compares only with an int64, but this one is a float64',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: count().where(f.fare.gt(f.tax)).over(hour) }) })`,
    'a decimal(2) compares only with a decimal(2), but this one is a decimal(4)',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: count().where(f.delay).over(hour) }) })`,
    'where needs a condition, but this one is an int64',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: sum(f.delay.add(f.weight)).over(hour) }) })`,
    'an int64 combines only with an int64, but this one is a float64',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: sum(when(f.late, 1, 'x')).over(hour) }) })`,
    'an int64 combines only with an int64, but this one is a string',
  ],
  [
    `view('v', { ...shape, features: () => ({ n: count() }) })`,
    "the feature n has no window; add .over(sliding('1h'))",
  ],
  [`view('v', { ...shape, features: (f) => ({ n: f.delay }) })`, 'n is no feature; aggregate it'],
  [
    `view('v', { ...shape, features: () => ({ n: count().over(hour) }), derived: (x) => ({ y: x.m.div(2) }) })`,
    "Property 'm' does not exist",
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: topK(f.weight, 3).over(hour) }) })`,
    'topK needs an int64, decimal, timestamp, bool or string column, but this one is a float64',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: histogram(f.weight).over(hour) }) })`,
    'histogram needs an int64, decimal, timestamp, bool or string column, but this one is a float64',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: quantile(f.origin, 0.5).over(hour) }) })`,
    'quantile needs a number column, but this one is a string',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: median(f.departs).over(hour) }) })`,
    'median needs a number column, but this one is a timestamp',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: countDistinct(f.embedding).over(hour) }) })`,
    'countDistinct needs a scalar column, but this one is a vector(8)',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: count().over(session('30m', { hop: '1m' })) }) })`,
    'a session has no hop: its own events decide where it begins',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: lastN(f.origin, 3).over(hour).default([]) }) })`,
    'a list(string) has no default; an empty window gives null',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: topK(f.delay, 3).over(hour) }), derived: (x) => ({ y: x.n.div(2) }) })`,
    'the feature n is a list(int64); expressions take single values',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: histogram(f.delay).over(hour) }), derived: (x) => ({ y: x.n }) })`,
    'the feature n is a counts(int64); expressions take single values',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', changes: { column: 'origin' } })`,
    'changes needs id: the column that names the event that a row changes',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', id: 'flight', changes: { column: 'delay' } })`,
    'changes.column needs a string column, but delay is an int64',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', id: 'flight', changes: { column: 'origin', sequence: 'fare' } })`,
    'changes.sequence needs an int64 or a timestamp column, but fare is a decimal(2)',
  ],
  [
    `stream('s', { columns, eventTime: 'departs', id: 'flight', changes: { column: 'orign' } })`,
    'changes.column names a column that the source does not have: orign',
  ],
  [`ok.pick('n_1h', 'n_3h')`, 'the view ok has no feature n_3h'],
  [`ok.pick({ a: 'n_3h' })`, 'the view ok has no feature n_3h'],
  [`ok.pick('n_1h', 'n_1h')`, 'the feature n_1h is picked twice'],
  [
    `service('s', { version: 1, features: [ok.pick('n_1h'), ok.all()] })`,
    'the service has two features named n_1h; pick one under an alias',
  ],
  [
    `view('v', { ...shape, features: (f) => ({ n: max(f.delay) }) })`,
    "the feature n has no window; add .over(sliding('1h'))",
  ],
  ...EVOLUTION_MISUSES,
  ...OFFLINE_MISUSES,
  ...FUNCTION_MISUSES,
];

let errorsByLine: ReadonlyMap<number, string>;
let firstLine: number;

before(() => {
  const folder = mkdtempSync(join(tmpdir(), 'asof-misuse-'));
  try {
    firstLine = SOUND.split('\n').length;
    writeFileSync(join(folder, 'misuse.mts'), SOUND + MISUSES.map(([text]) => text).join('\n'));
    const config = {
      extends: `${root}tsconfig.json`,
      compilerOptions: { types: [], noErrorTruncation: true, incremental: false },
      include: ['misuse.mts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    errorsByLine = parseErrors(compile(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const [index, [snippet, sentence]] of MISUSES.entries()) {
  test(`does not compile: ${snippet}`, () => {
    const error = errorsByLine.get(firstLine + index);
    assert.ok(error !== undefined, 'it compiled');
    assert.ok(error.includes(sentence), `no sentence '${sentence}' in:\n${error}`);
  });
}

test('the definitions around the misuses compile', () => {
  const lines = [...errorsByLine.keys()].filter((line) => line < firstLine);
  assert.deepEqual(
    lines.map((line) => errorsByLine.get(line)),
    [],
  );
});

/** One run of the compiler over all snippets; it ends with an error, as it should. */
function compile(folder: string): string {
  const require = createRequire(import.meta.url);
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  try {
    execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8', cwd: folder });
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return String(error.stdout);
    throw error;
  }
  return '';
}

/** Errors of the snippets' file by line, each with the lines that explain it. */
function parseErrors(output: string): Map<number, string> {
  const errors = new Map<number, string>();
  let line: number | null = null;
  for (const text of output.split('\n')) {
    const head = /^misuse\.mts\((\d+),\d+\): error/.exec(text);
    if (head !== null) line = Number(head[1]);
    else if (!text.startsWith(' ')) line = null;
    if (line !== null) errors.set(line, `${errors.get(line) ?? ''}${text}\n`);
  }
  return errors;
}
