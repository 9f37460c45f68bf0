import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { PgliteServer } from '../../src/registry/pglite-server.fixture.ts';
import { DEFINITIONS, Project, paymentLines } from '../cli/project.ts';

const BESIDE = `${DEFINITIONS}
export const use2 = view('use', {
  version: 2, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({ payments_1h: count().over(sliding('1h')) }),
});
export const cards2 = service('cards', { version: 2, features: [use2.all()] });
`;

/** What `paymentLines` gives, as objects. */
function rowsOf(card: string, count: number): object[] {
  const lines = paymentLines(card, count).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

async function text(url: string, body?: object): Promise<string> {
  const response = await fetch(
    url,
    body === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        },
  );
  assert.equal(response.status, 200, url);
  return response.text();
}

test('a server serves and starts while its PostgreSQL is away, says so, and catches up', async (t) => {
  const db = await PGlite.create();
  let postgres = await PgliteServer.start(db);
  const { port } = postgres;
  process.env.ASOF_TEST_REGISTRY = postgres.url;
  t.after(async () => {
    await postgres.stop();
    await db.close();
  });
  const project = Project.create(t);
  const settings = { port: 0, registry: { postgres: { env: 'ASOF_TEST_REGISTRY' } } };
  project.write('asof.json', JSON.stringify(settings));
  assert.equal((await project.run(['apply'])).code, 0);

  const server = await project.server('serve');
  await text(`${server.url}/v1/events/payments`, rowsOf('a', 3));
  const asked = { service: 'cards', rows: [{ card: 'a' }] };
  const values = async (url: string): Promise<unknown> =>
    JSON.parse(await text(`${url}/v1/features`, asked)).rows[0].values;
  const before = await values(server.url);
  const registry = async (url: string): Promise<Record<string, unknown>> =>
    JSON.parse(await text(`${url}/v1/status`)).registry;
  assert.deepEqual(
    [(await registry(server.url)).state, (await registry(server.url)).generation],
    ['connected', 1],
  );
  await postgres.stop();
  await server.says((line) => state(line) === 'away');
  assert.deepEqual(await values(server.url), before);
  assert.equal((await registry(server.url)).state, 'away');
  assert.match(await text(`${server.url}/metrics`), /^asof_registry_connected 0$/m);
  const refused = await project.run(['plan']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /registry_away/);
  assert.equal(await server.stop(), 0);

  const second = await project.server('serve');
  assert.deepEqual(await values(second.url), before);
  assert.equal((await registry(second.url)).state, 'away');
  assert.equal(second.lines.filter((line) => state(line) === 'away').length, 1);
  postgres = await PgliteServer.start(db, port);
  await second.says((line) => state(line) === 'connected');
  project.write('features.ts', BESIDE);
  assert.equal((await project.run(['apply'])).code, 0);
  await second.says((line) => line.reloaded === true && line.generation === 2);
  assert.match(await text(`${second.url}/metrics`), /^asof_registry_connected 1$/m);
  assert.equal(await second.stop(), 0);
  const said = [server, second].flatMap(({ stderr, lines }) => [stderr, JSON.stringify(lines)]);
  assert.doesNotMatch([...said, refused.stderr, refused.stdout].join('\n'), /secret-of-the-url/);
});

function state(line: Readonly<Record<string, unknown>>): string {
  const { registry } = line;
  const isStatus = typeof registry === 'object' && registry !== null && 'state' in registry;
  return isStatus ? String(registry.state) : '';
}
