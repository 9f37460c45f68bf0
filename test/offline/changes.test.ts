import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { trainProject, verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { count, last, max, sum } from '../../src/define/aggregate.ts';
import { decimal, string, timestamp } from '../../src/define/column.ts';
import { countDistinct, histogram, lastN, median } from '../../src/define/distribution.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session, sliding } from '../../src/define/window.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { compileProject } from '../../src/plan/compile.ts';

const orders = stream('orders', {
  columns: {
    order_id: string(),
    op: string(),
    card: string(),
    shop: string(),
    amount: decimal(2),
    at: timestamp(),
  },
  eventTime: 'at',
  id: 'order_id',
  allowedLateness: '24h',
  changes: { column: 'op', keep: 4 },
});
const card = entity('card', { keys: { card: string() } });
const use = view('use', {
  version: 1,
  source: orders,
  entity: card,
  key: { card: 'card' },
  features: (order) => ({
    orders: count().over(lifetime()),
    spent: sum(order.amount).over(sliding('1h')),
    highest: max(order.amount).over(lifetime()),
    newest: last(order.shop).over(lifetime()),
    recent: lastN(order.amount, 3).over(sliding('1h')),
    shops: histogram(order.shop).over(lifetime()),
    distinct_shops: countDistinct(order.shop).over(lifetime()),
    middle: median(order.amount).over(sliding('1h')),
    session_orders: count().over(session('30s')),
    session_shops: lastN(order.shop, 9).over(session('30s')),
  }),
});
const plan = compileProject([
  orders,
  card,
  use,
  service('cards', { version: 1, features: [use.all()] }),
]);

function configOf(t: TestContext): Config {
  const folder = mkdtempSync(join(tmpdir(), 'asof-changes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return loadConfig(folder, { port: 0, logLevel: 'silent', serveLogRate: 1 }, {});
}

interface Answer {
  readonly rows: readonly { readonly values: Readonly<Record<string, unknown>> }[];
}

async function post(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

/** Orders some seconds ago, and then what became of them. */
function changesFrom(nowMs: number) {
  const row = (op: string, id: number, secondsAgo: number, amount: string, shop: string) => {
    const at = new Date(nowMs - secondsAgo * 1_000).toISOString();
    return { order_id: `o${id}`, op, card: 'a', shop, amount, at };
  };
  return [
    [row('c', 1, 60, '5.00', 'x'), row('c', 2, 45, '99.50', 'y'), row('c', 3, 20, '7.25', 'x')],
    [row('c', 4, 10, '1.00', 'z'), row('u', 2, 45, '9.50', 'y')],
    [row('d', 4, 10, '1.00', 'z'), row('d', 1, 60, '5.00', 'x')],
    [row('d', 2, 45, '9.50', 'y')],
  ];
}

test('answers over orders that change are replayed to the bit, and trained upon', async (t) => {
  const config = configOf(t);
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  const platform = await Platform.start(config, plan);
  const counts: unknown[] = [];
  const nowMs = Date.now();
  try {
    for (const rows of changesFrom(nowMs)) {
      await post(`${platform.url}/v1/events/orders`, rows);
      const asked = { service: 'cards', rows: [{ card: 'a' }] };
      const answer = await post(`${platform.url}/v1/features`, asked);
      counts.push([answer.rows[0]?.values.orders, answer.rows[0]?.values.session_orders]);
    }
  } finally {
    await platform.stop();
  }
  assert.deepEqual(counts, [
    [3, 3],
    [4, 4],
    [2, 2],
    [1, 1],
  ]);
  const report = await verifyProject(config, 100);
  assert.deepEqual(report.mismatches, []);
  assert.deepEqual([report.answers, report.identical], [4, 40]);
  const [values] = await trained(config, nowMs + 3_600_000 - 50_000);
  assert.deepEqual(values, {
    ...{ card: 'a', orders: 1, spent: 7.25, highest: 7.25, newest: 'x', recent: [7.25] },
    ...{ shops: [{ value: 'x', count: 1 }], distinct_shops: 1, middle: 7.25 },
    ...{ session_orders: 0, session_shops: null },
  });
});

/** A training set of the one card at one time, by all that has arrived since. */
async function trained(config: Config, timeMs: number): Promise<Record<string, unknown>[]> {
  const spine = join(config.dataDir, 'spine.csv');
  const out = join(config.dataDir, 'out.parquet');
  writeFileSync(spine, `card,event_time\na,${timeMs}\n`);
  await trainProject(config, { service: 'cards', spine, out, known: 'final' });
  const session = await DuckDbSession.open({ threads: 1 });
  try {
    const rows = await session.rows(
      `SELECT to_json(x)::VARCHAR FROM (SELECT * EXCLUDE (event_time) FROM read_parquet('${out}')) x`,
    );
    return rows.map(([text]) => JSON.parse(String(text)));
  } finally {
    session.close();
  }
}
