import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROKEN_ROWS as CASES } from './broken-rows.ts';
import { payment, Shop } from './world.ts';

test('every broken row of an NDJSON push is told by its line, and kept to the letter', async (t) => {
  const shop = await Shop.open(t);
  const rows = CASES.map(({ row }) => row());
  const lines = [payment({ payment: 'first' }), ...rows.flatMap((row) => [row, payment()])];
  const { status, json } = await shop.pushLines(lines);
  assert.equal(status, 207);
  assert.equal(json.received, lines.length);
  assert.equal(json.accepted, CASES.length + 1);
  assert.equal(json.rejected, CASES.length);
  const letters = await shop.letters();
  for (const [index, { name, code, column, says, remedy }] of CASES.entries()) {
    const rejection = json.rejections?.[index];
    assert.ok(rejection !== undefined, name);
    assert.equal(rejection.code, code, `${name}: ${rejection.message}`);
    assert.equal(rejection.row, 1 + 2 * index, name);
    assert.equal(rejection.line, 2 + 2 * index, name);
    assert.equal(rejection.column, column, name);
    assert.match(rejection.message, says, name);
    assert.match(rejection.remedy, remedy, name);
    assert.equal(letters[index]?.raw, rows[index], `the dead letter of ${name}`);
    assert.equal(letters[index]?.code, code, name);
    assert.equal(letters[index]?.column, column, name);
  }
  assert.equal(await shop.paymentsOf('c1', 's1'), CASES.length + 1);
});

test('the same rows as one JSON array get the same verdicts', async (t) => {
  const shop = await Shop.open(t);
  const cases = CASES.filter(({ code }) => code !== 'malformed_json');
  const rows = cases.map(({ row }) => row());
  const array = [payment({ payment: 'first' }), ...rows.flatMap((row) => [row, payment()])];
  const { status, json } = await shop.pushJson(`[${array.join(',')}]`);
  assert.equal(status, 207);
  assert.equal(json.accepted, cases.length + 1);
  assert.deepEqual(
    json.rejections?.map(({ row, code, column }) => ({ row, code, column })),
    cases.map(({ code, column }, index) => ({ row: 1 + 2 * index, code, column })),
  );
  const letters = await shop.letters();
  assert.deepEqual(
    letters.map(({ code, raw }) => ({ code, raw })),
    cases.map(({ code }, index) => ({ code, raw: rows[index] })),
  );
});

test('a JSON body that is not JSON is refused as a whole, told where it breaks, and kept', async (t) => {
  const shop = await Shop.open(t);
  const body = `[${payment()}, {"payment": ]`;
  const { status, json } = await shop.pushJson(body);
  assert.deepEqual([status, json.accepted, json.rejected], [422, 0, 1]);
  const rejection = json.rejections?.[0];
  assert.equal(rejection?.code, 'malformed_json');
  assert.match(rejection?.message ?? '', /not JSON.*line 1, column \d+/);
  assert.match(rejection?.remedy ?? '', /x-ndjson/);
  assert.deepEqual(
    (await shop.letters()).map(({ raw }) => raw),
    [body],
  );
  assert.equal(await shop.paymentsOf('c1', 's1'), 0);
});

test('an empty body, another content type and a wrong method are told apart', async (t) => {
  const shop = await Shop.open(t);
  const empty = await shop.post('/v1/events/payments', '', 'application/x-ndjson');
  assert.equal(empty.status, 400);
  assert.match(empty.json.error?.message ?? '', /no body/);
  const xml = await shop.post('/v1/events/payments', '<a/>', 'text/xml');
  assert.equal(xml.json.error?.code, 'bad_request');
  assert.match(xml.json.error?.remedy ?? '', /application\/x-ndjson/);
  const nowhere = await shop.post('/v1/event/payments', '{}', 'application/json');
  assert.equal(nowhere.status, 404);
  assert.match(nowhere.json.error?.message ?? '', /POST \/v1\/event\/payments/);
});

test('bytes that are no UTF-8 cost their own line only', async (t) => {
  const shop = await Shop.open(t);
  const bad = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
  const body = Buffer.concat([Buffer.from(`${payment()}\n`), bad, Buffer.from(`\n${payment()}`)]);
  const { json } = await shop.pushLines(new Uint8Array(body));
  assert.equal(json.accepted, 2);
  assert.equal(json.rejections?.[0]?.code, 'malformed_json');
  assert.match(json.rejections?.[0]?.message ?? '', /UTF-8/);
  assert.deepEqual(
    (await shop.letters()).map(({ raw }) => raw),
    [`base64:${bad.toString('base64')}`],
  );
});

for (const form of ['NDJSON', 'JSON'] as const) {
  test(`integers beyond 2^53 come out as they went in, ${form}`, async (t) => {
    const shop = await Shop.open(t);
    const points = ['9007199254740993', '-9223372036854775808', '9223372036854775807'];
    const accounts = ['9007199254740993', '9007199254740995', '-9223372036854775807'];
    const rows = points.map((digits, index) =>
      payment({ points: '@p', account: '@a' })
        .replace('"@p"', digits)
        .replace('"@a"', accounts[index] ?? ''),
    );
    const push = form === 'JSON' ? shop.pushJson(`[${rows}]`) : shop.pushLines(rows);
    assert.equal((await push).json.accepted, 3);
    const keys = accounts.map((digits) => `{"account":${digits}}`).join(',');
    const body = `{"service":"banking","rows":[${keys}]}`;
    const { text, status } = await shop.post('/v1/features', body, 'application/json');
    assert.equal(status, 200, text);
    for (const [index, digits] of points.entries()) {
      assert.ok(text.includes(`"last_points":${digits}`), `${digits} in ${text}`);
      assert.ok(text.includes(`"key":{"account":${accounts[index]}}`), text);
    }
  });
}

test('an unknown source is named, with the one that was meant', async (t) => {
  const shop = await Shop.open(t);
  const { status, json } = await shop.pushLines([payment()], 'paymnets');
  assert.equal(status, 404);
  assert.equal(json.error?.code, 'unknown_source');
  assert.match(json.error?.message ?? '', /'paymnets'.*Did you mean 'payments'/);
});

test('the rejected rows of a push survive a restart, and so do the accepted ones', async (t) => {
  const first = await Shop.open(t);
  await first.pushLines([payment({ payment: 'kept' }), '{"broken', payment()]);
  await first.close();
  const second = await Shop.open(t, first.folder);
  assert.equal(await second.paymentsOf('c1', 's1'), 2);
  assert.deepEqual(
    (await second.letters()).map(({ raw }) => raw),
    ['{"broken'],
  );
  const again = await second.pushLines([payment({ payment: 'kept' })]);
  assert.equal(again.json.rejections?.[0]?.code, 'duplicate');
});
