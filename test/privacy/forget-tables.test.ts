import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';
import { push, read } from './forget-world.ts';
import { done } from './privacy-world.ts';

const PERSON = 'customer-4711';
const OTHER = 'customer-12';
const SINCE_MS = Date.now() - 90_000_000;

const DEFINITIONS = `
import { count, csv, entity, int64, lifetime, service, stream, string, sum, table, timestamp, view } from 'asof';
export const limits = table('limits', {
  columns: {
    item: string(), user: string().optional(), seller: string().optional(),
    note: string().optional().personal(), ceiling: int64(), since: timestamp(),
  },
  from: csv('limits/*.csv'), key: ['item'], eventTime: 'since',
});
export const user = entity('user', { keys: { user: string() } });
export const seller = entity('seller', { keys: { seller: string() } });
export const own = view('own', {
  version: 1, source: limits, entity: user, key: { user: 'user' },
  features: (row) => ({ owned: sum(row.ceiling).over(lifetime()), rows: count().over(lifetime()) }),
});
export const sold = view('sold', {
  version: 1, source: limits, entity: seller, key: { seller: 'seller' },
  features: (row) => ({ sold: sum(row.ceiling).over(lifetime()), sales: count().over(lifetime()) }),
});
export const users = service('users', { version: 1, features: [own.all()] });
export const sellers = service('sellers', { version: 1, features: [sold.all()] });
`;

/** The same rows, as they are pushed. */
const STREAM = `stream('limits', {
  columns: {
    item: string(), user: string().optional(), seller: string().optional(),
    note: string().optional().personal(), ceiling: int64(), since: timestamp(),
  },
  eventTime: 'since', id: 'item',
});`;

/** Rows of two users and a seller; the ceiling of the other's last row is given. */
function limits(ceiling: number, more: readonly string[] = []): string {
  const rows = [
    `a,${PERSON},,his note,1`,
    `b,${PERSON},mart,his note,10`,
    `c,${OTHER},mart,,20`,
    `d,${OTHER},,,${ceiling}`,
    ...more,
  ];
  const head = 'item,user,seller,note,ceiling,since';
  return `${[head, ...rows.map((row) => `${row},${SINCE_MS}`)].join('\n')}\n`;
}

async function valuesOf(project: Project): Promise<unknown[]> {
  const server = await project.server('serve');
  try {
    const users = await read(server.url, 'users', [{ user: PERSON }, { user: OTHER }]);
    const sellers = await read(server.url, 'sellers', [{ seller: 'mart' }]);
    return [...users.values, ...sellers.values];
  } finally {
    await server.stop();
  }
}

test('a table that still has the person upstream goes on without', async (t) => {
  const project = Project.create(t);
  project.write('features.ts', DEFINITIONS);
  mkdirSync(join(project.folder, 'limits'));
  project.write('limits/1.csv', limits(30));
  await done(project, ['apply', '--author', 'me']);
  await done(project, ['materialize', 'limits']);
  const gone = await project.json(['forget', '--entity', `user=${PERSON}`, '--grace', '1ms']);
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  const nobody = { owned: null, rows: 0 };
  const mart = { sold: 30, sales: 2 };
  assert.deepEqual(await valuesOf(project), [nobody, { owned: 50, rows: 2 }, mart]);

  // A unit that is read again is the same but for the row that may not come back.
  const same = await project.json(['materialize', 'limits']);
  assert.equal(same.code, 0, same.stdout + same.stderr);
  const [table] = same.result.tables;
  assert.deepEqual([table.rows.inserted, table.rows.retracted, table.rows.rejected], [0, 0, 1]);

  // What changes for others comes in, and a row of the person with another's key without him.
  project.write('limits/1.csv', limits(31, [`e,${PERSON},mart,his note,5`]));
  const changed = await project.json(['materialize', 'limits']);
  assert.equal(changed.code, 0, changed.stdout + changed.stderr);
  const after = [nobody, { owned: 51, rows: 2 }, { sold: 35, sales: 3 }];
  assert.deepEqual(await valuesOf(project), after);
  const again = await project.json(['materialize', 'limits']);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  const left = await project.json(['forget', '--entity', `user=${PERSON}`, '--dry-run']);
  assert.deepEqual(left.result.sources, []);
  const letters = await project.run(['deadletters', 'list', 'limits']);
  assert.doesNotMatch(letters.stdout, new RegExp(PERSON));
});

test('rejected rows under wrong names go, and what is asked for later is not kept', async (t) => {
  const project = Project.create(t);
  project.write('features.ts', DEFINITIONS.replace(/table\('limits'[^;]*;/s, STREAM));
  await done(project, ['apply', '--author', 'me']);
  const server = await project.server('serve');
  const at = Date.now();
  await push(server.url, 'limits', [
    { item: 'a', user: PERSON, ceiling: 1, since: at },
    { item: 'b', usr: PERSON, ceiling: 1, since: at },
    { item: 'c', user: OTHER, ceiling: 'x', seller: `see ${PERSON}.`, since: at },
    { item: 'd', user: OTHER, ceiling: 'x', since: at },
  ]);
  const gone = await project.json(['forget', '--entity', `user=${PERSON}`, '--grace', '1ms']);
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  for (const user of [PERSON, OTHER]) await read(server.url, 'users', [{ user }]);
  await server.stop();
  const verified = await project.json([
    ...['forget', '--verify', gone.result.id, '--entity', `user=${PERSON}`],
  ]);
  assert.deepEqual(verified.result.scan.hits, []);
  const letters = join(project.folder, '.asof', 'dead', 'limits');
  const kept = readdirSync(letters).map((name) => readFileSync(join(letters, name), 'utf8'));
  assert.equal(kept.join('').split(OTHER).length - 1, 1, kept.join(''));
  const served = await project.json(['verify']);
  assert.equal(served.code, 0, served.stdout + served.stderr);
});
