import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { ERRORS } from '../../src/base/errors.ts';
import { payment, Shop } from '../bad-input/world.ts';
import { type FuzzedRequest, type OpenApi, requestsOf, routesOf } from './http-requests.ts';
import { exchange, type RawAnswer } from './raw-http.ts';

const RUNS = 500;
/** No name that is ever generated. */
const KEPT = { card: 'kept-card', shop: 'kept-shop' };

test('whatever is sent, the answer is no failure, and a refusal says what is wrong', async (t) => {
  const shop = await Shop.open(t);
  const port = Number(new URL(shop.platform.url).port);
  await shop.pushLines([payment(KEPT)]);
  const document = await (await fetch(`${shop.platform.url}/openapi.json`)).json();
  const routes = routesOf(document as OpenApi);
  assert.ok(routes.length > 25, `${routes.length} routes`);
  const check = async (fuzzed: FuzzedRequest): Promise<void> => {
    const answer = await exchange(port, fuzzed.request);
    checkAnswer(fuzzed, answer);
  };
  await fc.assert(fc.asyncProperty(requestsOf(routes), check), {
    numRuns: RUNS,
    endOnFailure: true,
  });
  assert.equal(await shop.paymentsOf(KEPT.card, KEPT.shop), 1);
  assert.equal((await fetch(`${shop.platform.url}/readyz`)).status, 200);
});

function checkAnswer({ route, request }: FuzzedRequest, answer: RawAnswer | null): void {
  const what = `${request.method} ${request.target} (${request.length}) ${JSON.stringify(request.headers)} ${Buffer.from(request.body).toString('latin1').slice(0, 2_000)}`;
  if (answer === null) {
    // A request whose body never comes whole has nobody left to answer.
    const isShort = request.length !== null && request.length > request.body.length;
    assert.ok(isShort, `no answer: ${what}`);
    return;
  }
  const { status, body } = answer;
  const said = `${status} ${body.slice(0, 1_000)} to ${what}`;
  assert.ok(status < 500, said);
  if (status < 400) return;
  const error = errorOf(body);
  assert.ok(error !== null && Object.hasOwn(ERRORS, error.code), said);
  assert.ok(error.message.length > 5 && error.remedy.length > 5, said);
  const declared = route.operation.responses?.[status]?.content?.['application/json']?.schema;
  if (declared === undefined || request.method !== route.method) return;
  const problems = [...Compile(declared as never).Errors(JSON.parse(body))];
  assert.deepEqual(problems, [], said);
}

interface CodedError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** In our own form; or in that of Feast, or of events, which are refused row by row. */
function errorOf(body: string): CodedError | null {
  const parsed = jsonOf(body);
  const inner = typeof parsed === 'string' ? jsonOf(parsed) : parsed;
  if (typeof inner !== 'object' || inner === null) return null;
  if ('error' in inner) return inner.error as CodedError;
  if (!('rejections' in inner) || !Array.isArray(inner.rejections)) return null;
  return inner.rejections[0] ?? null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
