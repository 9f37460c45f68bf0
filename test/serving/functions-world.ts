import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { pause } from '../../src/base/pause.ts';
import {
  bool,
  count,
  decimal,
  entity,
  float64,
  int64,
  last,
  latest,
  lifetime,
  model,
  service,
  sliding,
  stream,
  string,
  sum,
  timestamp,
  topK,
  vector,
  view,
} from '../../src/index.ts';
import { compileProject } from '../../src/plan/compile.ts';
import { parseJson } from '../../src/schema/json.ts';

const payments = stream('payments', {
  columns: {
    at: timestamp(),
    card: string(),
    shop: string(),
    amount: decimal(2),
    units: int64(),
    look: vector(3),
  },
  eventTime: 'at',
});
const card = entity('card', { keys: { card: string() } });
export const spend = view('spend', {
  version: 1,
  source: payments,
  entity: card,
  key: { card: 'card' },
  features: (payment) => ({
    payments_1h: count().over(sliding('1h')),
    spent: sum(payment.amount).over(lifetime()),
    units: sum(payment.units).over(lifetime()),
    shop: last(payment.shop).over(lifetime()),
    shops: topK(payment.shop, 2).over(lifetime()),
    look: latest(payment.look),
  }),
});

const told = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(told).join()}]`;
  if (Object.is(value, -0)) return 'negative zero';
  return value === null ? 'null' : `${typeof value} ${String(value)}`;
};
const STEPS = { small: 10, large: 1000 };

export const checks = service('checks', {
  version: 1,
  features: [spend.all()],
  request: {
    f: float64().optional(),
    i: int64().optional(),
    d: decimal(3).optional(),
    b: bool().optional(),
    s: string().optional(),
    t: timestamp().optional(),
    v: vector(3).optional(),
  },
  onDemand: ({ request }) => ({ doubled: request.i.mul(2) }),
  functions: (chain) =>
    chain
      .compute('same', {
        version: 1,
        inputs: ['f', 'i', 'd', 'b', 's', 't'],
        outputs: {
          f_same: float64().optional(),
          i_same: int64().optional(),
          d_same: decimal(3).optional(),
          b_same: bool().optional(),
          s_same: string().optional(),
          t_same: timestamp().optional(),
        },
        timeout: '1s',
        run: ({ f, i, d, b, s, t }) => ({
          f_same: f,
          i_same: i,
          d_same: d,
          b_same: b,
          s_same: s,
          t_same: t,
        }),
      })
      .compute('tell', {
        version: 1,
        inputs: [
          ...([
            'f',
            'i',
            'd',
            'b',
            's',
            'v',
            'doubled',
            'spent',
            'units',
            'shop',
            'shops',
          ] as const),
          ...(['look', 'f_same'] as const),
        ],
        outputs: { told: string(), size: int64().default(-1) },
        timeout: '1s',
        uses: { told, STEPS },
        run: (input) => ({
          told: Object.values(input).map(told).join(),
          size: input.f === null ? null : Math.abs(input.f) > STEPS.large ? 1 : 0,
        }),
      }),
});

export const risky = service('risky', {
  version: 1,
  features: [spend.pick('payments_1h')],
  request: { x: int64() },
  functions: (chain) =>
    chain
      .compute('double', {
        version: 1,
        inputs: ['x', 'payments_1h'],
        outputs: { twice: int64() },
        run: ({ x }) => ({ twice: Number(x) * 2 }),
      })
      .compute('trap', {
        version: 1,
        inputs: ['x'],
        outputs: { trapped: float64().default(-1) },
        run: ({ x }) => {
          if (x === 1) for (;;);
          if (x === 2) throw new Error('two');
          if (x === 3) return { trapped: new Array(1e8).fill(0).length };
          return { trapped: Number(x) };
        },
      })
      .compute('after', {
        version: 1,
        inputs: ['trapped'],
        outputs: { half: float64() },
        run: ({ trapped }) => ({ half: trapped / 2 }),
      }),
});
export const sluggish = service('sluggish', {
  version: 1,
  features: [spend.pick('payments_1h')],
  functions: (chain) =>
    chain.compute('wait', {
      version: 1,
      inputs: ['payments_1h'],
      outputs: { never: int64() },
      timeout: '10s',
      run: ({ payments_1h }) => {
        for (let i = payments_1h; ; i++) if (i < 0) return { never: i };
      },
    }),
});
const judge = model('judge', { version: 1, service: risky, reads: ['half', 'twice'] });
export const plan = compileProject([checks, risky, sluggish, judge]);

export interface Row {
  readonly values: Record<string, unknown>;
  readonly statuses: Record<string, string>;
}

/** A platform with these definitions and three payments of card `a`. */
export class FunctionsWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'asof-functions-'));
  readonly config: Config = loadConfig(
    this.folder,
    { port: 0, logLevel: 'silent', serveLogRate: 1 },
    {},
  );
  #platform: Platform | null = null;

  static async open(): Promise<FunctionsWorld> {
    const world = new FunctionsWorld();
    await withRegistry(world.config, (registry) => registry.apply({ plan, author: 'test' }));
    await world.start();
    const pushed = await world.post(
      '/v1/events/payments',
      ['é', 'b', 'é'].map((shop, i) => ({
        ...{ at: Date.now() - 60_000 + i, card: 'a', shop, amount: '10.25' },
        ...{ units: String(2n ** 60n), look: [0.1, -i, 2 ** -149] },
      })),
    );
    assert.equal(pushed.status, 200, pushed.text);
    return world;
  }

  get platform(): Platform {
    assert.ok(this.#platform);
    return this.#platform;
  }

  async start(): Promise<void> {
    this.#platform = await Platform.start(this.config, plan);
  }

  async stop(): Promise<void> {
    await this.#platform?.stop();
    this.#platform = null;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async post(path: string, body: unknown): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.platform.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return { status: response.status, text: await response.text() };
  }

  async ask(name: string, rows: readonly object[], more: object = {}): Promise<Row[]> {
    const send = () => this.post('/v1/features', { service: name, rows, ...more });
    let { status, text } = await send();
    // A machine that is busy with other tests sends requests away, and says when to come again.
    for (let tries = 0; status === 429 && tries < 50; tries++) {
      await pause(JSON.parse(text).error.retryAfterMs);
      ({ status, text } = await send());
    }
    assert.equal(status, 200, text);
    return (parseJson(text) as { rows: Row[] }).rows;
  }
}
