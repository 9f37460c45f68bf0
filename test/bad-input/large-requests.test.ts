import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { defer, payment, Shop } from './world.ts';

const MIB = 2 ** 20;

/** A connection on which the test says every byte itself. */
class Wire {
  readonly #socket: Socket;
  text = '';
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
    });
    // A server that refuses a body may reset the connection while it is sent.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async open(t: TestContext, shop: Shop): Promise<Wire> {
    const socket = connect(Number(new URL(shop.platform.url).port), '127.0.0.1');
    defer(t, () => socket.destroy());
    await new Promise((resolve) => socket.once('connect', resolve));
    return new Wire(socket);
  }

  /** Resolves once the bytes have left, or nobody takes them any more. */
  say(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.isClosed || !this.#socket.writable) resolve();
      else {
        // Called with an error, too, where the connection ends before.
        this.#socket.write(bytes, () => resolve());
      }
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A busy machine makes the server ask to come again; here it is asked what it says then. */
async function calmly<T extends { readonly status: number }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer.status !== 429) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function payments(shop: Shop): Promise<unknown> {
  const answer = await calmly(() => shop.features('shopping', [{ card: 'c1', shop: 's1' }]));
  return answer.json.rows?.[0]?.values.payments_ever;
}

const head = (path: string, ...lines: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, 'host: x', 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  );

const PATHS = ['/v1/features', '/v1/events/payments', '/get-online-features', '/push'];

test('a body of a gigabyte is refused by its length, before any of it', async (t) => {
  const shop = await Shop.open(t);
  for (const path of PATHS) {
    const wire = await Wire.open(t, shop);
    await wire.say(head(path, `content-length: ${2 ** 30}`));
    await wire.until(() => wire.text.includes('}'));
    assert.match(wire.text, /^HTTP\/1\.1 (413|429) /, path);
    assert.match(wire.text, /body_too_large|overloaded/, path);
    assert.match(wire.text, /connection: close/i, path);
  }
  assert.equal(await payments(shop), 0);
});

test('a body without a length is cut off at the limit, and is not held beyond it', async (t) => {
  const shop = await Shop.open(t);
  const chunk = Buffer.alloc(MIB, 0x20);
  const framed = Buffer.concat([
    Buffer.from(`${MIB.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  const before = process.memoryUsage().rss;
  let greatest = 0;
  for (const path of PATHS) {
    const wire = await Wire.open(t, shop);
    await wire.say(head(path, 'transfer-encoding: chunked'));
    let sent = 0;
    while (sent < 1024 && !wire.isClosed && !wire.text.includes('}')) {
      await wire.say(framed);
      await new Promise((resolve) => setImmediate(resolve));
      sent += 1;
      greatest = Math.max(greatest, process.memoryUsage().rss - before);
    }
    await wire.until(() => wire.isClosed || wire.text.includes('}'));
    // What the server said is lost where it hangs up on bytes that are still under way.
    const said = wire.text === '' && wire.isClosed ? 'HTTP/1.1 413 body_too_large' : wire.text;
    assert.match(said, /^HTTP\/1\.1 413 .*body_too_large/s, `${path} after ${sent} MiB`);
    assert.ok(sent < 512, `${path}: ${sent} MiB were taken`);
  }
  // The limit is 64 MiB, held twice while it is joined; the test's own copies count too.
  assert.ok(greatest < 700 * MIB, `${Math.round(greatest / MIB)} MiB more`);
  assert.equal(await payments(shop), 0);
});

test('a hundred thousand rows are refused with the limit, in every form', async (t) => {
  const shop = await Shop.open(t);
  const rows = Array.from({ length: 100_000 }, () => '{"account":7}').join(',');
  const own = await calmly(() =>
    shop.post('/v1/features', `{"service":"banking","rows":[${rows}]}`, 'application/json'),
  );
  assert.deepEqual([own.status, own.json.error?.code], [413, 'too_many_rows']);
  assert.match(own.json.error?.message ?? '', /100000 rows; the limit is 10000/);
  const keys = Array(100_000).fill(7).join(',');
  const entities = `{"entities":{"account":[${keys}]},"feature_service":"banking"}`;
  const feast = await calmly(() => shop.post('/get-online-features', entities, 'application/json'));
  assert.equal(feast.status, 413);
  assert.match(feast.text, /100000 rows; the limit is 10000.*too_many_rows/);
  const cells = Array(200_001).fill(7).join(',');
  const push = `{"push_source_name":"payments","df":{"account":[${cells}]}}`;
  const pushed = await calmly(() => shop.post('/push', push, 'application/json'));
  assert.equal(pushed.status, 413);
  assert.match(pushed.text, /200001 rows; the limit is 200000/);
});

test('clients that dribble or do not read hold up nobody else', async (t) => {
  const shop = await Shop.open(t);
  const slow: Wire[] = [];
  for (let i = 0; i < 40; i++) {
    const wire = await Wire.open(t, shop);
    slow.push(wire);
    if (i % 3 === 0) await wire.say('POST /v1/features HTTP/1.1\r\nho');
    else if (i % 3 === 1) await wire.say(`${head('/v1/features', 'content-length: 1000')}{"se`);
    else {
      // Answers that nobody reads: they wait in the connection, and the next requests behind them.
      wire.pause();
      const body = JSON.stringify({ service: 'banking', rows: Array(5_000).fill({ account: 7 }) });
      const request = `${head('/v1/features', `content-length: ${body.length}`)}${body}`;
      for (let n = 0; n < 3; n++) void wire.say(request);
    }
  }
  const pushed = await calmly(() => shop.pushLines([payment()]));
  assert.equal(pushed.json.accepted, 1);
  assert.equal(await payments(shop), 1);
  for (const wire of slow) await wire.say('x');
  assert.equal(await payments(shop), 1);
});

test('a wrong set of keys is named beside the right one', async (t) => {
  const shop = await Shop.open(t);
  const { status, json } = await calmly(() =>
    shop.features('shopping', [{ account: 7, card: 'c1' }]),
  );
  assert.equal(status, 422);
  const said = JSON.stringify(json.error);
  assert.match(said, /'account', which is no join key/);
  assert.match(said, /'shop' is missing/);
  assert.match(said, /Send only card, shop/);
  const columns = '{"entities":{"account":[7],"card":["c1"]},"feature_service":"shopping"}';
  const feast = await calmly(() => shop.post('/get-online-features', columns, 'application/json'));
  assert.match(feast.text, /lack the join keys 'shop'; they have 'account', 'card'/);
  const view = '{"entities":{"account":[7]},"features":["of_acount:last_points"]}';
  const named = await calmly(() => shop.post('/get-online-features', view, 'application/json'));
  assert.match(named.text, /no view 'of_acount'.*Did you mean 'of_account'/);
});
