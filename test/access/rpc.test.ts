import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { FeatureService } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { AccessWorld, type Who } from './world.ts';

type Calls = Client<typeof FeatureService>;

const cards = [{ name: 'card', values: { case: 'strings' as const, value: { values: ['a'] } } }];
const line = new TextEncoder().encode('{"payment":"p","card":"c","amount":1,"at":1}');

/** Every call there is, about these names. */
const CALLS: Readonly<
  Record<keyof Calls, (calls: Calls, service: string, source: string) => Promise<unknown>>
> = {
  getFeatures: (calls, service) => calls.getFeatures({ service, columns: cards }),
  describeService: (calls, name) => calls.describeService({ name }),
  listServices: (calls) => calls.listServices({}),
  push: (calls, _, source) => calls.push({ source, body: { case: 'ndjson', value: line } }),
};

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'fine';
  } catch (error) {
    if (error instanceof ConnectError) return `${Code[error.code]}: ${error.rawMessage}`;
    throw error;
  }
}

test('calls show and take nothing that their caller may not see or do', async (t) => {
  const world = await AccessWorld.create(t);
  const baseUrl = await world.serve();
  const as = (who: Who): Calls =>
    createClient(
      FeatureService,
      createConnectTransport({
        baseUrl,
        httpVersion: '1.1',
        interceptors: [
          (next) => (request) => {
            for (const [name, value] of Object.entries(world.headers(who))) {
              request.header.set(name, value);
            }
            return next(request);
          },
        ],
      }),
    );
  assert.deepEqual(Object.keys(CALLS), Object.keys(FeatureService.method));
  for (const [name, call] of Object.entries(CALLS)) {
    const refused = await outcome(call(as('nobody'), 'hush.checks', 'hush.payments'));
    assert.equal(refused, 'Unauthenticated: No valid identity came with the request.', name);
    if (name === 'listServices') continue;
    const [real, absent] = await Promise.all([
      outcome(call(as('shop_reader'), 'hush.checks', 'hush.payments')),
      outcome(call(as('shop_reader'), 'ghost.checks', 'ghost.payments')),
    ]);
    assert.match(real, /^NotFound/, name);
    assert.equal(real.replaceAll('hush', 'ghost'), absent, name);
  }
  const listed = await as('shop_reader').listServices({});
  assert.deepEqual(
    listed.services.map(({ name }) => name),
    ['shop.offers'],
  );
  const reader = as('hush_reader');
  assert.equal(await outcome(CALLS.getFeatures(reader, 'hush.checks', '')), 'fine');
  assert.equal(await outcome(CALLS.describeService(reader, 'hush.checks', '')), 'fine');
  assert.match(await outcome(CALLS.getFeatures(reader, 'hush.sums', '')), /^PermissionDenied/);
  assert.match(await outcome(CALLS.push(reader, '', 'hush.payments')), /^PermissionDenied/);
  const omitted = await reader.getFeatures({
    service: 'hush.sums',
    columns: cards,
    omitDenied: true,
  });
  const spent = omitted.features.find(({ name }) => name === 'spent');
  assert.deepEqual([...(spent?.statuses ?? [])], [8]);
  assert.deepEqual([...(spent?.nulls ?? [])], [1]);
});
