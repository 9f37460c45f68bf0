import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';

interface Source {
  readonly columns: string;
  readonly evolution?: string;
  readonly view?: string;
  readonly version?: number;
}

function definitions({ columns, evolution = '', view, version = 1 }: Source): string {
  return `
import {
  bool, count, decimal, entity, float64, int64, last, lifetime, service, stream, string, sum, timestamp, view,
} from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), at: timestamp(), ${columns} },
  eventTime: 'at', id: 'payment', ${evolution}
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: ${version}, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({ n: count().over(lifetime()), ${view ?? ''} }),
});
export const cards = service('cards', { version: ${version}, features: [use.all()] });
export const every = [bool, decimal, float64, int64, last, sum];
`;
}

const FIRST = definitions({
  columns: 'price_usd: decimal(2), fee: int64()',
  view: 'spent: sum(payment.price_usd).over(lifetime())',
});
const RENAMED = definitions({
  columns: "price: decimal(2), fee: int64(), currency: string().default('USD')",
  evolution: "evolution: [{ version: 2, rename: { price_usd: 'price' }, add: ['currency'] }],",
  view: 'spent: sum(payment.price).over(lifetime())',
});
const widened = (version: number, fee: string) =>
  definitions({
    columns: `price: decimal(2), fee: ${fee}, currency: string().default('USD')`,
    evolution: `evolution: [
      { version: 2, rename: { price_usd: 'price' }, add: ['currency'] },
      { version: 3, widen: { fee: int64() } },
    ],`,
    view: 'spent: sum(payment.price).over(lifetime()), fees: sum(payment.fee).over(lifetime()), currency: last(payment.currency).over(lifetime())',
    version,
  });

let serial = 0;
const payment = (more: object) => {
  serial += 1;
  return { payment: `p${serial}`, card: 'c', at: Date.now() - 60_000, ...more };
};

test('a server goes on over renames, defaults and widenings, and tells of drift', async (t) => {
  const project = Project.create(t, FIRST);
  assert.equal((await project.json(['apply'])).code, 0);
  const server = await project.server('serve');
  const push = async (rows: readonly object[], query = '', headers = {}) => {
    const body = rows.map((row) => JSON.stringify(row)).join('\n');
    const response = await fetch(`${server.url}/v1/events/payments${query}`, {
      ...{ method: 'POST', body },
      headers: { 'content-type': 'application/x-ndjson', ...headers },
    });
    // biome-ignore lint/suspicious/noExplicitAny: the test reads what it expects to be there.
    return { status: response.status, answer: (await response.json()) as any };
  };
  const values = async () => {
    const { result } = await project.json(['get', 'cards', 'card=c', '--url', server.url]);
    if (result.rows === undefined) throw new Error(JSON.stringify(result));
    return result.rows[0].values;
  };
  const apply = async (text: string) => {
    const from = server.lines.length;
    project.write('features.ts', text);
    const { code, stdout, stderr } = await project.run(['apply']);
    if (code !== 0) return `${stdout}${stderr}`;
    return server.says((line) => 'generation' in line, from);
  };

  assert.equal((await push([payment({ price_usd: 1.5, fee: 1 })])).status, 200);
  assert.deepEqual(await values(), { n: 1, spent: 1.5 });

  const reloaded = await apply(RENAMED);
  assert.ok(typeof reloaded === 'object', String(reloaded));
  assert.equal(reloaded.groupsReplayed, 0, 'a rename rebuilds nothing');
  const mixed = [payment({ price_usd: 2, fee: 1 }), payment({ price: 4, fee: 1, currency: 'EUR' })];
  assert.equal((await push(mixed)).status, 200);
  assert.deepEqual(await values(), { n: 3, spent: 7.5 });

  assert.equal((await push([payment({ price_usd: 1, fee: 1 })], '?schema=1')).status, 200);
  const pinned = await push([payment({ price_usd: 1, fee: 1 })], '', { 'asof-schema': '2' });
  assert.equal(pinned.answer.rejections[0].code, 'unknown_column');
  assert.match(pinned.answer.rejections[0].message, /Schema 2 of 'payments' has no column/);
  const unknown = await push([payment({})], '?schema=3');
  assert.deepEqual([unknown.status, unknown.answer.error.code], [422, 'unknown_schema']);
  assert.match(unknown.answer.error.remedy, /one of 1 to 2/);
  assert.equal((await push([payment({})], '?schema=x')).status, 400);
  const differing = await push([payment({})], '?schema=1', { 'asof-schema': '2' });
  assert.equal(differing.status, 400);
  const both = await push([payment({ price: 1, price_usd: 1, fee: 1 })]);
  assert.equal(both.answer.rejections[0].code, 'ambiguous_column');

  assert.equal((await push([payment({ price_eur: 1, fee: 1 })])).status, 422);
  const drift = await project.json(['drift', 'payments', '--url', server.url]);
  const told = drift.result.columns.find((one: { column: string }) => one.column === 'price_eur');
  assert.deepEqual(told.guess, { kind: 'renamed', from: 'price' });
  assert.match(
    (await project.run(['drift', '--url', server.url])).stdout,
    /price_eur: unknown, int64: 'price', renamed\?/,
  );
  const status = await project.json(['status', '--url', server.url]);
  assert.ok(JSON.stringify(status.result).includes('"drifting":'));

  assert.match(String(await apply(widened(1, 'decimal(2)'))), /version_conflict/);
  assert.ok(typeof (await apply(widened(2, 'decimal(2)'))) === 'object');
  assert.equal(
    (await push([payment({ price: 1, fee: 0.25 }), payment({ price: 1, fee: 9 })])).status,
    200,
  );
  assert.deepEqual(await values(), { n: 6, spent: 10.5, fees: 13.25, currency: 'USD' });

  assert.equal((await push([payment({ price: 0, fee: '12345678901234.56' })])).status, 200);
  const misfit = String(await apply(widened(3, 'float64({ scale: 4 })')));
  assert.match(
    misfit,
    /'fee' of 'payments' cannot become float64: 12345678901234\.56 \(commit \d+/,
  );
  const gone = String(await apply(FIRST.replace('version: 1', 'version: 4')));
  assert.match(gone, /version_conflict|type_mismatch/);
});
