import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project, type ServerRun } from './project.ts';

const VERSION_1 = `
import { count, entity, lifetime, service, sliding, stream, string, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ payments: count().over(lifetime()) }),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
`;

const view2 = (name: string): string => `
export const use2 = view('use', {
  version: 2, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ ${name}: count().over(sliding('12h')) }),
});
export const cards2 = service('cards', { version: 2, features: [use2.all()] });
`;

const KEYS = 400;

function events(): string {
  const lines = Array.from({ length: KEYS * 2 }, (_, i) => {
    return JSON.stringify({ payment: `p${i}`, card: `c${i % KEYS}`, at: Date.now() - 60_000 });
  });
  return `${lines.join('\n')}\n`;
}

interface Answer {
  readonly status: number;
  readonly version: number;
  readonly rows: number;
}

async function ask(server: ServerRun, cards: readonly string[], version?: number): Promise<Answer> {
  const body = { service: 'cards', rows: cards.map((card) => ({ card })) };
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(version === undefined ? body : { ...body, version }),
  });
  const answer: unknown = await response.json();
  const { version: answered, rows } = answer as { version: number; rows: unknown[] };
  return { status: response.status, version: answered, rows: rows?.length ?? 0 };
}

/** The version that answers each card, asked one by one. */
async function versionsOf(server: ServerRun): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  for (let i = 0; i < KEYS; i += 1) versions.set(`c${i}`, (await ask(server, [`c${i}`])).version);
  return versions;
}

const countOf = (versions: Map<string, number>, version: number): number =>
  [...versions.values()].filter((one) => one === version).length;

async function released(server: ServerRun, work: () => Promise<unknown>): Promise<void> {
  const from = server.lines.length;
  await work();
  await server.says((line) => 'released' in line, from);
}

test('publish, canary, rollback while a server answers', async (t) => {
  const project = Project.create(t, VERSION_1);
  await project.json(['apply']);
  assert.equal((await project.json(['publish', 'cards@1'])).result.error.code, 'not_built');
  let server = await project.server('serve');
  project.write('events.ndjson', events());
  await project.json(['push', 'payments', 'events.ndjson', '--url', server.url]);
  assert.equal((await project.json(['rollback', 'cards'])).code, 2);
  await released(server, () => project.json(['publish', 'cards@1', '--author', 'jan']));

  // Applied beside the live version, which goes on answering.
  project.write('features.ts', VERSION_1 + view2('payments'));
  const from = server.lines.length;
  await project.json(['apply']);
  await server.says((line) => 'reloaded' in line, from);
  assert.equal((await ask(server, ['c1'])).version, 1);
  assert.equal((await ask(server, ['c1'], 2)).version, 2);
  // A model is trained on what it will be served.
  project.write('spine.csv', 'card,event_time\nc1,2026-01-01T00:00:00Z\n');
  const train = (service: string) =>
    project.json(['train', '--service', service, '--spine', 'spine.csv', '--out', 't.csv']);
  assert.equal((await train('cards')).result.version, 1);
  assert.equal((await train('cards@2')).result.version, 2);

  const unchecked = await project.run(['publish', 'cards@2', '--canary', '20%']);
  assert.equal(unchecked.code, 1);
  assert.match(unchecked.stderr, /not_validated.*use@2 has no validation against use@1/);
  assert.match(unchecked.stderr, /→ Run `asof validate use@2 --against 1`/);
  assert.equal((await project.json(['validate', 'use@2'])).result.result, 'pass');
  await released(server, () => project.json(['publish', 'cards@2', '--canary', '20%']));

  const versions = await versionsOf(server);
  const share = countOf(versions, 2) / KEYS;
  assert.ok(share > 0.1 && share < 0.3, `the canary answers ${share}`);
  assert.deepEqual(await versionsOf(server), versions, 'a key stays with its version');
  // An answer of many rows is of one version: that of its first key.
  for (const [card, version] of [...versions].slice(0, 20)) {
    const many = await ask(server, [card, ...versions.keys()]);
    assert.deepEqual([many.version, many.rows], [version, KEYS + 1]);
  }
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /asof_release_share\{service="cards",version="2"\} 0\.2/);
  assert.match(metrics, /asof_release_share\{service="cards",version="1"\} 0\.8/);
  assert.match(metrics, /asof_feature_requests_total\{service="cards",version="2"\} \d+/);

  // What is published holds over a restart, from the first answer on.
  await server.stop();
  server = await project.server('serve');
  assert.deepEqual(await versionsOf(server), versions);
  await released(server, () => project.json(['publish', 'cards@2']));
  assert.equal(countOf(await versionsOf(server), 2), KEYS);
  await released(server, () => project.json(['rollback', 'cards', '--reason', 'nulls']));
  assert.equal(countOf(await versionsOf(server), 1), KEYS);

  // What answers callers is not taken from them.
  project.write('features.ts', VERSION_1.replaceAll('version: 1', 'version: 3'));
  const refused = await project.run(['apply']);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /service cards@1 is published, and is not defined any more/);

  const { result } = await project.json(['releases', 'cards']);
  assert.deepEqual(
    result.history.map((one: { action: string; live: number }) => [one.action, one.live]),
    [
      ['rollback', 1],
      ['publish', 2],
      ['canary', 1],
      ['publish', 1],
    ],
  );
  assert.equal(result.history[0].reason, 'nulls');
  const people = await project.run(['releases']);
  assert.match(
    people.stdout,
    /cards@1 answers[\s\S]*canary +cards@1 answers, and cards@2 for 20 %/,
  );
});

test('callers keep what they read; --force takes a reason, which is kept', async (t) => {
  const project = Project.create(t, VERSION_1);
  await project.json(['apply']);
  const server = await project.server('serve');
  await released(server, () => project.json(['publish', 'cards@1']));
  project.write('features.ts', VERSION_1 + view2('renamed'));
  const from = server.lines.length;
  await project.json(['apply']);
  await server.says((line) => 'reloaded' in line, from);
  const gone = await project.json(['publish', 'cards@2']);
  assert.equal(gone.result.error.code, 'not_compatible');
  assert.match(gone.result.error.message, /The feature 'payments' is gone/);
  assert.equal((await project.run(['publish', 'cards@2', '--force', ' '])).code, 2);
  assert.equal((await project.run(['publish', 'cards@2', '--canary', '120%'])).code, 2);
  assert.equal((await project.run(['publish', 'cards@7'])).code, 1);
  await released(server, () => project.json(['publish', 'cards@2', '--force', 'nobody reads it']));
  const { result } = await project.json(['releases']);
  assert.equal(result.current[0].reason, 'nobody reads it');
  assert.match(result.current[0].evidence, /The feature 'payments' is gone/);
});

test('rollbacks and publishes under load: no error, never two versions in one answer', async (t) => {
  const project = Project.create(t, VERSION_1 + view2('payments'));
  await project.json(['apply']);
  const server = await project.server('serve');
  project.write('events.ndjson', events());
  await project.json(['push', 'payments', 'events.ndjson', '--url', server.url]);
  assert.equal((await project.json(['validate', 'use@2'])).code, 0);
  await released(server, () => project.json(['publish', 'cards@1', '--force', 'first']));
  let isOver = false;
  const seen = new Set<number>();
  const load = Array.from({ length: 4 }, async (_, worker) => {
    for (let i = worker; !isOver; i += 4) {
      const { status, version, rows } = await ask(server, [`c${i % KEYS}`, `c${(i * 7) % KEYS}`]);
      assert.deepEqual([status, rows], [200, 2]);
      seen.add(version);
    }
  });
  for (let round = 0; round < 3; round += 1) {
    await released(server, () => project.json(['publish', 'cards@2', '--canary', '50%']));
    await released(server, () => project.json(['publish', 'cards@2']));
    await released(server, () => project.json(['rollback', 'cards']));
  }
  isOver = true;
  await Promise.all(load);
  assert.deepEqual([...seen].toSorted(), [1, 2]);
});
