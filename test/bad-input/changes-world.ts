import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/app/config.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { count, last, max, sum } from '../../src/define/aggregate.ts';
import { decimal, int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { defer } from './world.ts';

const orders = stream('orders', {
  columns: {
    id: int64(),
    op: string(),
    lsn: int64(),
    card: string(),
    amount: decimal(2),
    shop: string().optional(),
    at: timestamp(),
  },
  eventTime: 'at',
  id: 'id',
  partitions: 2,
  allowedLateness: '24h',
  changes: { column: 'op', sequence: 'lsn', shape: 'envelope', keep: 40 },
});
const card = entity('card', { keys: { card: string() } });
const spending = view('spending', {
  version: 1,
  source: orders,
  entity: card,
  key: { card: 'card' },
  features: (order) => ({
    orders: count().over(lifetime()),
    spent: sum(order.amount).over(lifetime()).default(0),
    highest: max(order.amount).over(lifetime()),
    newest_shop: last(order.shop).over(lifetime()),
  }),
});
const plan = compileProject([
  orders,
  card,
  spending,
  service('cards', { version: 1, features: [spending.all()] }),
]);

export interface PushAnswer {
  readonly accepted: number;
  readonly rejected: number;
  readonly rejections?: readonly {
    readonly row: number;
    readonly code: string;
    readonly column: string | null;
    readonly message: string;
  }[];
}

export type CardValues = Readonly<Record<string, unknown>>;

/** The real platform over HTTP with one source of orders that change, in envelopes. */
export class OrderBook {
  readonly folder: string;
  #platform: Platform;

  private constructor(folder: string, platform: Platform) {
    this.folder = folder;
    this.#platform = platform;
  }

  static async open(t: TestContext): Promise<OrderBook> {
    const folder = mkdtempSync(join(tmpdir(), 'asof-orders-'));
    defer(t, () => rmSync(folder, { recursive: true }));
    await withRegistry(configOf(folder), (registry) => registry.apply({ plan, author: 'test' }));
    const book = new OrderBook(folder, await Platform.start(configOf(folder), plan));
    defer(t, () => book.#platform.stop());
    return book;
  }

  async restart(): Promise<void> {
    await this.#platform.stop();
    this.#platform = await Platform.start(configOf(this.folder), plan);
  }

  async push(lines: readonly string[]): Promise<PushAnswer> {
    const type = 'application/x-ndjson';
    return JSON.parse(await this.#post('/v1/events/orders', lines.join('\n'), type));
  }

  async values(cards: readonly string[]): Promise<CardValues[]> {
    const asked = { service: 'cards', rows: cards.map((name) => ({ card: name })) };
    const text = await this.#post('/v1/features', JSON.stringify(asked), 'application/json');
    const { rows }: { rows: readonly { values: CardValues }[] } = JSON.parse(text);
    return rows.map(({ values }) => values);
  }

  async #post(path: string, body: string, type: string): Promise<string> {
    const headers = { 'content-type': type };
    const answer = await fetch(this.#platform.url + path, { method: 'POST', headers, body });
    return answer.text();
  }

  async status(): Promise<{ readonly sources: readonly Record<string, unknown>[] }> {
    const answer = await fetch(`${this.#platform.url}/v1/status`);
    return JSON.parse(await answer.text());
  }
}

function configOf(folder: string) {
  return loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
}
