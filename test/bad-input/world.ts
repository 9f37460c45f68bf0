import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { Platform } from '../../src/app/platform.ts';
import { applyProject } from '../../src/app/project.ts';
import type { Disk } from '../../src/base/disk.ts';
import { count, last, sum } from '../../src/define/aggregate.ts';
import {
  bool,
  decimal,
  float64,
  int64,
  string,
  timestamp,
  vector,
} from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';

export const payments = stream('payments', {
  columns: {
    payment: string(),
    card: string(),
    shop: string(),
    account: int64(),
    amount: decimal(2).optional(),
    points: int64().optional(),
    weight: float64().optional(),
    online: bool().optional(),
    embedding: vector(2).optional(),
    at: timestamp(),
  },
  eventTime: 'at',
  id: 'payment',
  allowedLateness: '24h',
});

const cardShop = entity('card_shop', { keys: { card: string(), shop: string() } });
const account = entity('account', { keys: { account: int64() } });

const atShop = view('at_shop', {
  version: 1,
  source: payments,
  entity: cardShop,
  key: { card: 'card', shop: 'shop' },
  features: (payment) => ({
    payments_ever: count().over(lifetime()),
    spent_24h: sum(payment.amount).over(sliding('24h')).default(0),
  }),
});

const ofAccount = view('of_account', {
  version: 1,
  source: payments,
  entity: account,
  key: { account: 'account' },
  features: (payment) => ({
    account_payments: count().over(lifetime()),
    last_points: last(payment.points).over(lifetime()),
  }),
});

export const definitions = [
  payments,
  cardShop,
  account,
  atShop,
  ofAccount,
  service('shopping', { version: 1, features: [atShop.all()] }),
  service('banking', { version: 1, features: [ofAccount.all()] }),
];

export const plan = compileProject(definitions);

/** The same in a file, for what reads definitions itself. */
export const DEFINITIONS_TEXT = `
import { count, entity, lifetime, service, stream, string, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ payments_ever: count().over(lifetime()) }),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
`;

const cleanups = new WeakMap<TestContext, (() => unknown)[]>();

/** Runs after the test, last registered first: what stands in a folder is closed before it goes. */
export function defer(t: TestContext, work: () => unknown): void {
  const known = cleanups.get(t);
  if (known !== undefined) {
    known.push(work);
    return;
  }
  const works = [work];
  cleanups.set(t, works);
  t.after(async () => {
    for (const one of works.toReversed()) await one();
  });
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asof-bad-'));
  defer(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function configOf(folder: string): Config {
  return loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
}

export { applyProject };

/** A whole platform with a real HTTP door on a free port. */
export class Shop {
  readonly platform: Platform;
  readonly folder: string;

  private constructor(platform: Platform, folder: string) {
    this.platform = platform;
    this.folder = folder;
  }

  static async open(
    t: TestContext,
    folder = temporaryFolder(t),
    openDisk?: (folder: string) => Disk,
  ): Promise<Shop> {
    const shop = new Shop(await Platform.start(configOf(folder), plan, openDisk), folder);
    defer(t, () => shop.close());
    return shop;
  }

  #closed: Promise<void> | null = null;

  close(): Promise<void> {
    this.#closed ??= this.platform.stop();
    return this.#closed;
  }

  async post(path: string, body: string | Uint8Array, type: string): Promise<Answer> {
    const response = await fetch(`${this.platform.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers: { 'content-type': type },
    });
    const text = await response.text();
    return { status: response.status, text, json: JSON.parse(text) };
  }

  pushLines(lines: readonly string[] | Uint8Array, source = 'payments'): Promise<Answer> {
    const body = lines instanceof Uint8Array ? lines : lines.join('\n');
    return this.post(`/v1/events/${source}`, body, 'application/x-ndjson');
  }

  pushJson(body: string, source = 'payments'): Promise<Answer> {
    return this.post(`/v1/events/${source}`, body, 'application/json');
  }

  features(service: string, rows: readonly object[]): Promise<Answer> {
    return this.post('/v1/features', JSON.stringify({ service, rows }), 'application/json');
  }

  /** How many payments of a card in a shop have been accepted. */
  async paymentsOf(card: string, shop: string): Promise<unknown> {
    const { json } = await this.features('shopping', [{ card, shop }]);
    return json.rows?.[0]?.values.payments_ever;
  }

  /** Rows in the dead letters as they were sent, oldest first, with their codes. */
  async letters(): Promise<{ code: string; raw: string; column: string | null }[]> {
    const response = await fetch(`${this.platform.url}/v1/dead-letters/payments`);
    const { sources } = (await response.json()) as {
      sources: { count: number; letters: { code: string; raw: string; column: string | null }[] }[];
    };
    return (sources[0]?.letters ?? []).toReversed();
  }
}

export interface Rejection {
  readonly row: number;
  readonly line: number | null;
  readonly code: string;
  readonly column: string | null;
  readonly message: string;
  readonly remedy: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: {
    readonly received?: number;
    readonly accepted?: number;
    readonly rejected?: number;
    readonly rejections?: readonly Rejection[];
    readonly rows?: readonly {
      readonly values: Readonly<Record<string, unknown>>;
      readonly statuses: Readonly<Record<string, string>>;
    }[];
    readonly error?: {
      readonly code: string;
      readonly message: string;
      readonly path: string | null;
      readonly remedy: string;
      readonly issues?: readonly { readonly path: string; readonly message: string }[];
    };
  };
}

let serial = 0;

/** A payment that is fine but for the changes, as JSON text. */
export function payment(changes: Readonly<Record<string, unknown>> = {}): string {
  serial += 1;
  return JSON.stringify({
    payment: `p${serial}`,
    card: 'c1',
    shop: 's1',
    account: 7,
    at: Date.now() - 1_000,
    ...changes,
  });
}
