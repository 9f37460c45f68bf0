import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimal, int64, string, timestamp } from '../../src/define/column.ts';
import { table } from '../../src/define/table.ts';
import { csv, ndjson, parquet, query } from '../../src/define/table-from.ts';
import { NOW_MS, TablesFixture } from './tables.fixture.ts';

const AT = NOW_MS - 100 * 3_600_000;

/** What was cost_usd is cost now, weight has got places, and region is new. */
const declared = {
  columns: {
    item: string(),
    cost: decimal(2),
    weight: decimal(1).optional(),
    region: string().default('EU'),
    happened: timestamp(),
  },
  eventTime: 'happened',
  assumedDelay: '1h',
  key: ['item'],
  evolution: [
    { version: 2, rename: { cost_usd: 'cost' }, add: ['region'] },
    { version: 3, widen: { weight: int64() } },
  ],
} as const;

const values = async (world: TablesFixture, name = 'items'): Promise<unknown[][]> =>
  (await world.live(name))
    .map((text) => {
      const { item, cost_usd: cost, weight, region } = JSON.parse(text);
      return [item, cost, weight, region];
    })
    .sort();

test('lines of all versions are read, also within one file, and those of both names refused', async (t) => {
  const world = await TablesFixture.open(t, [table('items', { ...declared, from: ndjson('in') })]);
  const line = (more: object) => `${JSON.stringify({ happened: AT, ...more })}\n`;
  world.write(
    'in/a.ndjson',
    line({ item: 'old', cost_usd: 1.5, weight: 3 }) +
      line({ item: 'new', cost: 2.5, weight: 3.5, region: 'US' }) +
      line({ item: 'null', cost: 1, region: null }) +
      line({ item: 'both', cost: 1, cost_usd: 1 }) +
      line({ item: 'none' }),
  );
  await world.report();
  assert.deepEqual(await values(world), [
    ['new', 250, 35, 'US'],
    ['null', 100, null, 'EU'],
    ['old', 150, 30, 'EU'],
  ]);
  assert.deepEqual(
    world.letters('items').map(({ code, column }) => [code, column]),
    [
      ['ambiguous_column', 'cost'],
      ['missing_column', 'cost'],
    ],
  );
  // A row that is now sent as the newest version has it is the same row.
  const rows = async (): Promise<number> => (await world.column('items', '1')).length;
  const before = await rows();
  await world.report();
  assert.equal(await rows(), before);
  world.write('in/a.ndjson', line({ item: 'old', cost: '1.50', weight: 3, region: 'EU' }));
  await world.report();
  assert.deepEqual(await values(world), [['old', 150, 30, 'EU']]);
});

test('files of columns are read by whichever names they have', async (t) => {
  const world = await TablesFixture.open(t, [table('items', { ...declared, from: csv('in') })]);
  world.write('in/1.csv', `item,cost_usd,weight,happened\na,1.25,7,${AT}\n`);
  world.write('in/2.csv', `item,cost,weight,region,happened\nb,2,,,${AT}\nc,3,1.5,US,${AT}\n`);
  await world.report();
  assert.deepEqual(await values(world), [
    ['a', 125, 70, 'EU'],
    ['b', 200, null, 'EU'],
    ['c', 300, 15, 'US'],
  ]);
  world.write('in/3.csv', `item,weight,happened\nd,1,${AT}\n`);
  await assert.rejects(world.report(), /has no column 'cost' \(decimal\(2\)\)/);
});

test('Parquet of two versions, and a query over the table by its present names', async (t) => {
  const items = table('items', { ...declared, from: parquet('in') });
  const costs = table('costs', {
    columns: { item: string(), cost: decimal(2), region: string(), happened: timestamp() },
    from: query({ items }, 'SELECT item, cost, region, happened FROM items'),
    eventTime: 'happened',
    assumedDelay: '1h',
  });
  const world = await TablesFixture.open(t, [items, costs]);
  const at = `make_timestamp_ms(${AT}) AS happened`;
  await world.writeParquet(
    'in/1.parquet',
    `SELECT 'a' AS item, 1.25::DECIMAL(9,2) AS cost_usd, 7::BIGINT AS weight, ${at}`,
  );
  await world.writeParquet(
    'in/2.parquet',
    `SELECT 'b' AS item, 2.5::DECIMAL(9,2) AS cost, 1.5::DECIMAL(9,1) AS weight, 'US' AS region, ${at}`,
  );
  await world.run();
  assert.deepEqual(await values(world), [
    ['a', 125, 70, 'EU'],
    ['b', 250, 15, 'US'],
  ]);
  assert.deepEqual(
    (await world.live('costs'))
      .map((text) => JSON.parse(text))
      .map(({ item, cost, region }) => [item, cost, region]),
    [
      ['a', 125, 'EU'],
      ['b', 250, 'US'],
    ],
  );
});
