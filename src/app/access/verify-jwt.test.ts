import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { ManualClock } from '../../base/clock.ts';
import { LIMITS } from '../../base/limits.ts';
import { readIssuers } from './issuers-config.ts';
import { JwtVerifier } from './verify-jwt.ts';

const ISSUER = 'https://login.example';
const NOW_MS = 1_800_000_000_000;

interface World {
  readonly verifier: JwtVerifier;
  readonly clock: ManualClock;
  readonly sign: (claims: object, header?: object) => Promise<string>;
  readonly publicPem: string;
  readonly served: { keys: JWK[]; requests: number; status: number };
}

async function world(t: TestContext): Promise<World> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const served = { keys: [jwk], requests: 0, status: 200 };
  const server = createServer((_request, response) => {
    served.requests += 1;
    response.writeHead(served.status).end(JSON.stringify({ keys: served.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const jwks = `http://127.0.0.1:${port}/jwks`;
  const claims = { roles: ['groups'], labels: ['clearance'] };
  const setting = { issuer: ISSUER, audience: 'asof', jwks, algorithms: ['RS256'], claims };
  const { issuers, issues } = readIssuers({ issuers: [setting] }, '/nowhere');
  assert.deepEqual(issues, []);
  const clock = new ManualClock(NOW_MS);
  const sign = (payload: object, header: object = {}) =>
    new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
      .sign(privateKey);
  const verifier = new JwtVerifier(issuers, clock);
  return { verifier, clock, sign, publicPem: await exportSPKI(publicKey), served };
}

const seconds = NOW_MS / 1000;
const GOOD = { iss: ISSUER, aud: 'asof', sub: 'ana', iat: seconds, exp: seconds + 600 };

test('claims of a good token can be named by grants, and its labels count', async (t) => {
  const { verifier, sign } = await world(t);
  const token = await sign({ ...GOOD, groups: ['risk', 'ops'], clearance: 'pii money' });
  const checked = await verifier.verify(token);
  assert.ok(checked.ok);
  assert.deepEqual(checked.claims, {
    issuer: ISSUER,
    subject: 'ana',
    values: ['groups=risk', 'groups=ops'],
    labels: ['pii', 'money'],
  });
});

test('tokens that are forged, late, early or meant for others are refused', async (t) => {
  const { verifier, sign, publicPem } = await world(t);
  const other = await generateKeyPair('RS256');
  const forged = new SignJWT(GOOD).setProtectedHeader({ alg: 'RS256', kid: 'one' });
  const confused = new SignJWT(GOOD).setProtectedHeader({ alg: 'HS256', kid: 'one' });
  const skew = LIMITS.tokenSkewMs / 1000;
  const good = await sign(GOOD);
  const [head, , signature] = good.split('.');
  const changed = Buffer.from(JSON.stringify({ ...GOOD, sub: 'root' })).toString('base64url');
  const tokens: Record<string, string> = {
    forged: await forged.sign(other.privateKey),
    'signed with the public key': await confused.sign(Buffer.from(publicPem)),
    unsigned: new UnsecuredJWT(GOOD).encode(),
    changed: `${head}.${changed}.${signature}`,
    'without a signature': good.slice(0, good.lastIndexOf('.') + 1),
    expired: await sign({ ...GOOD, exp: seconds - skew - 1 }),
    'not yet valid': await sign({ ...GOOD, nbf: seconds + skew + 1 }),
    'for others': await sign({ ...GOOD, aud: 'somebody' }),
    'for nobody': await sign({ ...GOOD, aud: undefined }),
    'of another issuer': await sign({ ...GOOD, iss: `${ISSUER}.evil` }),
    'without an end': await sign({ ...GOOD, exp: undefined }),
    'of no one': await sign({ ...GOOD, sub: undefined }),
    'with an empty subject': await sign({ ...GOOD, sub: '' }),
    'of an unknown key': await sign(GOOD, { kid: 'two' }),
    'with what must be understood': await sign(GOOD).then((text) =>
      text.replace(/^[^.]+/, bogusHead),
    ),
    nonsense: 'a.b.c',
    empty: '',
  };
  for (const [what, token] of Object.entries(tokens)) {
    assert.equal((await verifier.verify(token)).ok, false, what);
  }
  assert.equal((await verifier.verify(good)).ok, true, 'the good one still is');
});

const bogusHead = Buffer.from(
  JSON.stringify({ alg: 'RS256', kid: 'one', crit: ['x'], x: 1 }),
).toString('base64url');

test('clocks may be off by a little', async (t) => {
  const { verifier, sign } = await world(t);
  const skew = LIMITS.tokenSkewMs / 1000;
  assert.ok((await verifier.verify(await sign({ ...GOOD, exp: seconds - skew + 2 }))).ok);
  assert.ok((await verifier.verify(await sign({ ...GOOD, nbf: seconds + skew - 2 }))).ok);
});

test('published keys are fetched once, again for an unknown one, and not for every forgery', async (t) => {
  const { verifier, clock, sign, served } = await world(t);
  const good = await sign(GOOD);
  for (let i = 0; i < 5; i += 1) assert.ok((await verifier.verify(good)).ok);
  assert.equal(served.requests, 1);
  const strange = await sign(GOOD, { kid: 'two' });
  for (let i = 0; i < 5; i += 1) assert.equal((await verifier.verify(strange)).ok, false);
  assert.equal(served.requests, 1, 'they were fetched a moment ago');
  clock.advanceTo(NOW_MS + LIMITS.jwksPauseMs);
  served.keys.push({ ...served.keys[0], kid: 'two' });
  assert.ok((await verifier.verify(strange)).ok, 'a rotated key is found');
  assert.equal(served.requests, 2);
});

test('an issuer that is away keeps nobody out whose keys are known', async (t) => {
  const { verifier, clock, sign, served } = await world(t);
  const token = await sign({ ...GOOD, exp: seconds + 2 * 24 * 60 * 60 });
  assert.ok((await verifier.verify(token)).ok);
  served.status = 500;
  clock.advanceTo(NOW_MS + LIMITS.jwksFreshMs + 1);
  assert.ok((await verifier.verify(token)).ok);
  clock.advanceTo(NOW_MS + LIMITS.jwksKeptMs + 1);
  assert.equal((await verifier.verify(token)).ok, false, 'not for ever');
});

test('issuers of asof.json are checked, and passwords in them not shown', () => {
  const wrong = [
    { issuers: 'x' },
    { issuers: [{}] },
    { issuers: [{ issuer: 'a', audience: 'b', jwks: 'k.json', algorithms: ['HS256'] }] },
    { issuers: [{ issuer: 'a', audience: 'b', jwks: 'k.json', algorithms: ['none'] }] },
    { issuers: [{ issuer: 'a', audience: [], jwks: 'k.json', algorithms: ['RS256'] }] },
    { issuers: [{ issuer: 'a', audience: 'b', jwks: 'http://far/k', algorithms: ['RS256'] }] },
    { issuers: [], realm: 'x' },
  ];
  for (const setting of wrong)
    assert.ok(readIssuers(setting, '/x').issues.length > 0, JSON.stringify(setting));
  const secret = {
    issuer: 'a',
    audience: 'b',
    jwks: 'https://u:hunter2@x/k',
    algorithms: ['RS256'],
  };
  const { issues } = readIssuers({ issuers: [secret] }, '/x');
  assert.equal(issues.length, 1);
  assert.ok(!JSON.stringify(issues).includes('hunter2'));
});
