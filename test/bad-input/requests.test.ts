import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payment, Shop } from './world.ts';

interface Refused {
  readonly body: string;
  readonly status: number;
  readonly code: string;
  readonly path: string;
  readonly says: RegExp;
}

const ask = (service: string, ...rows: readonly string[]): string =>
  `{"service":"${service}","rows":[${rows.join(',')}]}`;

const REFUSED: readonly Refused[] = [
  {
    body: ask('shoping', '{}'),
    status: 404,
    code: 'unknown_service',
    path: 'service',
    says: /'shoping'.*Did you mean 'shopping'/,
  },
  {
    body: '{"service":"shopping","version":9,"rows":[]}',
    status: 404,
    code: 'unknown_service',
    path: 'version',
    says: /shopping.*9|9.*shopping/,
  },
  {
    body: ask('shopping', '{"card":"c1"}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[0].shop',
    says: /'shop' is missing/,
  },
  {
    body: ask('shopping', '{"card":"c1","shop":""}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[0].shop',
    says: /'shop' is empty/,
  },
  {
    body: ask('shopping', '{"card":"c1","shop":null}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[0].shop',
    says: /'shop'/,
  },
  {
    body: ask('banking', '{"account":7}', '{"account":"x7"}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[1].account',
    says: /Row 1.*'account'/,
  },
  {
    body: ask('banking', '{"account":1.5}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[0].account',
    says: /'account'/,
  },
  {
    body: ask('banking', '{"account":9223372036854775808}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[0].account',
    says: /'account'/,
  },
  {
    body: ask('banking', '{"acount":7}'),
    status: 422,
    code: 'invalid_key',
    path: 'rows[0].acount',
    says: /'acount'.*Did you mean 'account'/,
  },
  {
    body: ask('banking', '[7]'),
    status: 400,
    code: 'bad_request',
    path: 'rows[0]',
    says: /Row 0/,
  },
  {
    body: '{"service":"banking"}',
    status: 400,
    code: 'bad_request',
    path: 'rows',
    says: /'rows'/,
  },
  {
    body: '{"service":"banking","rows":[],"features":["last_points"]}',
    status: 400,
    code: 'bad_request',
    path: 'features',
    says: /'features' is no field/,
  },
  { body: '[1]', status: 400, code: 'bad_request', path: 'body', says: /no object/ },
  { body: '{"service":', status: 400, code: 'malformed_json', path: 'body', says: /not JSON/ },
];

test('a wrong request is refused as a whole: where, why, and what to send', async (t) => {
  const shop = await Shop.open(t);
  for (const { body, status, code, path, says } of REFUSED) {
    const answer = await shop.post('/v1/features', body, 'application/json');
    const { error } = answer.json;
    assert.ok(error !== undefined, `${body} was answered: ${answer.text}`);
    assert.deepEqual([answer.status, error.code, error.path], [status, code, path], answer.text);
    assert.match(error.message, says, body);
    assert.ok(error.remedy.length > 5, body);
  }
});

test('every wrong row is listed, the first ones of very many', async (t) => {
  const shop = await Shop.open(t);
  const rows = Array.from({ length: 500 }, (_, index) => ({ account: index % 2 === 0 ? 1 : '' }));
  const { status, json } = await shop.features('banking', rows);
  assert.equal(status, 422);
  assert.match(json.error?.message ?? '', /250 of 500/);
  assert.equal(json.error?.issues?.length, 100);
  assert.equal(json.error?.issues?.[1]?.path, 'rows[3].account');
  const many = Array.from({ length: 10_001 }, () => ({ account: 1 }));
  const answer = await shop.features('banking', many);
  assert.equal(answer.json.error?.code, 'too_many_rows');
  assert.match(answer.json.error?.message ?? '', /10001 rows; the limit is 10000/);
});

test('keys that join to one text with any separator stay apart', async (t) => {
  const shop = await Shop.open(t);
  const pairs = ['a|b', 'a:b', 'a,b', 'a\u0000b', 'a\u001fb', '1:a1:b', 'é:b'].flatMap((text) => [
    { card: `${text}|`, shop: 'x' },
    { card: text, shop: '|x' },
    { card: `${text}:1`, shop: '2' },
    { card: text, shop: ':12' },
  ]);
  pairs.push({ card: '1', shop: '12' }, { card: '11', shop: '2' }, { card: '1:1', shop: '1' });
  const lines = pairs.flatMap((pair, index) =>
    Array.from({ length: 1 + (index % 3) }, () => payment(pair)),
  );
  const pushed = await shop.pushLines(lines);
  assert.equal(pushed.json.accepted, lines.length, pushed.text.slice(0, 300));
  const { json } = await shop.features('shopping', pairs);
  assert.deepEqual(
    json.rows?.map(({ values }) => values.payments_ever),
    pairs.map((_, index) => 1 + (index % 3)),
  );
});

test('an event with an empty key does not exist for the view, and does for others', async (t) => {
  const shop = await Shop.open(t);
  const { json } = await shop.pushLines([payment({ card: '', account: 8 }), payment()]);
  assert.equal(json.accepted, 2);
  const answer = await shop.features('banking', [{ account: 8 }]);
  assert.equal(answer.json.rows?.[0]?.values.account_payments, 1);
  assert.equal(await shop.paymentsOf('c1', 's1'), 1);
});

test('names of the language are keys and columns like any other', async (t) => {
  const shop = await Shop.open(t);
  for (const card of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.equal(await shop.paymentsOf(card, 's1'), 0, card);
    await shop.pushLines([payment({ card })]);
    assert.equal(await shop.paymentsOf(card, 's1'), 1, card);
  }
  const { json } = await shop.pushLines(['{"__proto__": 1, "constructor": 2}']);
  assert.equal(json.rejected, 1);
  const services = await shop.features('__proto__', []);
  assert.equal(services.json.error?.code, 'unknown_service');
  const source = await shop.pushLines([payment()], 'constructor');
  assert.equal(source.json.error?.code, 'unknown_source');
});
