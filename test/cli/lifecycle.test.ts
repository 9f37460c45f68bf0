import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Project, type ServerRun } from './project.ts';

const SOURCE = `
import { count, entity, lifetime, model, service, sliding, stream, string, timestamp, view } from 'asof';
export const payments = stream('fraud.payments', {
  columns: { payment: string(), card: string(), at: timestamp() },
  eventTime: 'at', id: 'payment',
});
export const card = entity('fraud.card', { keys: { card: string() } });
`;

const version = (number: number, options = ''): string => `
export const use${number} = view('fraud.use', {
  version: ${number}, source: payments, entity: card, key: { card: 'card' }, ${options}
  features: () => ({ payments: count().over(${number === 1 ? 'lifetime()' : "sliding('12h')"}) }),
});
export const cards${number} = service('fraud.cards', {
  version: ${number}, features: [use${number}.all()],
});
`;

const SCORER = `
export const scorer = model('fraud.scorer', { version: 7, service: cards1 });
`;

interface Answer {
  readonly status: number;
  readonly version?: number;
  readonly error?: { readonly code: string; readonly message: string };
  readonly deprecated?: Readonly<Record<string, unknown>>;
}

async function ask(server: ServerRun, more: object): Promise<Answer> {
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'fraud.cards', rows: [{ card: 'c1' }], ...more }),
  });
  const answer = (await response.json()) as Omit<Answer, 'status'>;
  return { status: response.status, ...answer };
}

/** A change of the registry reaches the server by itself. */
async function until(server: ServerRun, more: object, status: number) {
  for (let i = 0; i < 100; i += 1) {
    const answer = await ask(server, more);
    if (answer.status === status) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return ask(server, more);
}

test('from a draft to its retirement, under a server that answers', async (t) => {
  const project = Project.create(t, SOURCE + version(1));
  await project.json(['namespace', 'set', 'fraud', '--require', 'high-risk', '--owner', 'ann']);
  await project.json(['apply', '--author', 'jan']);
  const server = await project.server('serve');
  assert.equal((await ask(server, {})).status, 200);

  project.write('features.ts', SOURCE + version(1) + version(2, "risk: 'high',"));
  const from = server.lines.length;
  const second = await project.json(['apply', '--author', 'jan']);
  assert.equal(second.code, 0, JSON.stringify(second.result));
  await server.says((line) => 'reloaded' in line, from);
  const closed = await ask(server, { version: 2 });
  assert.equal(closed.status, 409);
  assert.deepEqual(
    [closed.error?.code, closed.error?.message],
    ['not_active', 'The service fraud.cards@2 is draft.'],
  );
  assert.equal((await ask(server, {})).version, 1, 'without a version the newest that may answer');
  const published = await project.json(['publish', 'fraud.cards@2', '--force', 'now']);
  assert.equal(published.result.error.code, 'not_active', 'by no force');

  const act = (event: string, kind: string, author: string, ...more: string[]) =>
    project.json([
      'lifecycle',
      event,
      kind,
      `fraud.${kind === 'view' ? 'use' : 'cards'}@2`,
      ...more,
      '--author',
      author,
    ]);
  assert.equal((await act('submit', 'view', 'jan')).result.state, 'in_review');
  const { result: waits } = await project.json(['approvals', '--namespace', 'fraud']);
  const waiting = waits.waiting.find(
    (one: { state: { kind: string } }) => one.state.kind === 'view',
  );
  assert.deepEqual([waiting.not, waiting.owners, waiting.approvalsNeeded], [['jan'], ['ann'], 1]);
  const own = await act('approve', 'view', 'jan');
  assert.deepEqual([own.code, own.result.error.code], [4, 'lifecycle_refused']);
  const digest = String(waiting.state.digest).slice(0, 12);
  assert.equal((await act('approve', 'view', 'ann', '--digest', digest)).result.state, 'active');
  assert.equal((await ask(server, { version: 2 })).status, 409, 'its service still waits');
  const post = async (event: string, body: object) => {
    const url = `${server.url}/v1/lifecycle/service/fraud.cards/2/${event}`;
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = (await response.json()) as { state?: string; error?: { code: string } };
    return [response.status, answer.state ?? answer.error?.code];
  };
  assert.deepEqual(await post('submit', { author: 'jan' }), [200, 'in_review']);
  assert.deepEqual(await post('approve', { author: 'jan' }), [409, 'lifecycle_refused']);
  assert.deepEqual(await post('approve', { auther: 'ann' }), [400, 'bad_request']);
  const read = async (path: string) => (await fetch(`${server.url}${path}`)).json();
  const { waiting: open } = (await read('/v1/approvals')) as { waiting: unknown[] };
  assert.equal(open.length, 1);
  project.write('spine.csv', 'card,event_time\nc1,2026-01-01T00:00:00Z\n');
  const train = (...more: string[]) =>
    project.json(['train', '--service', 'fraud.cards@2', '--spine', 'spine.csv', ...more]);
  const untrained = await train('--out', 't.csv');
  assert.equal(untrained.result.error.code, 'not_active');
  assert.match(untrained.result.error.remedy, /--draft/);
  const trained = await train('--out', 't.csv', '--draft', '--name', 'trial');
  assert.equal(trained.result.dataset.notActive, 'in_review');
  const recorded = await project.run(['audit', 'list', '--action', 'datasets.record', '--json']);
  assert.match(recorded.stdout, /dataset trial@1/);
  assert.match(recorded.stdout, /in_review/);
  assert.deepEqual(await post('approve', { author: 'ann' }), [200, 'active']);
  assert.equal((await until(server, { version: 2 }, 200)).version, 2);

  const past = await project.run([
    ...['lifecycle', 'deprecate', 'view', 'fraud.use@1', '--until', '2020-01-01'],
  ]);
  assert.equal(past.code, 4);
  assert.match(past.stderr, /2020-01-01 is over already/);
  await project.json([
    ...['lifecycle', 'deprecate', 'view', 'fraud.use@1', '--successor', 'fraud.use@2'],
    ...['--until', '2099-03-01', '--author', 'jan'],
  ]);
  let told = await ask(server, { version: 1 });
  for (let i = 0; i < 100 && told.deprecated === undefined; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    told = await ask(server, { version: 1 });
  }
  assert.equal(told.status, 200);
  assert.deepEqual(
    [told.deprecated?.what, told.deprecated?.successor, told.deprecated?.untilMs],
    ['view fraud.use@1', 'fraud.use@2', Date.UTC(2099, 2, 1)],
  );

  const used = await project.run(['lifecycle', 'retire', 'view', 'fraud.use@1']);
  assert.equal(used.code, 4);
  assert.match(used.stderr, /still_used: view fraud.use@1 is still named by service fraud.cards@1/);
  await project.json(['lifecycle', 'retire', 'service', 'fraud.cards@1']);
  await project.json(['lifecycle', 'retire', 'view', 'fraud.use@1']);
  assert.equal((await until(server, { version: 1 }, 409)).error?.code, 'not_active');
  const again = await project.run(['apply']);
  assert.equal(again.code, 4, again.stderr);
  assert.match(again.stderr, /view fraud.use@1 is retired, and still defined/);
  project.write('features.ts', SOURCE + version(2, "risk: 'high',"));
  assert.equal((await project.json(['apply', '--author', 'jan'])).code, 0);

  const { versions } = (await read('/v1/lifecycle?kind=view&namespace=fraud')) as {
    versions: { version: number; state: string }[];
  };
  assert.deepEqual(
    versions.map((one) => [one.version, one.state]),
    [
      [1, 'retired'],
      [2, 'active'],
    ],
  );
  assert.equal((await fetch(`${server.url}/v1/lifecycle/view/fraud.use/9`)).status, 404);

  const { result: list } = await project.json(['lifecycle', 'list', '--state', 'retired']);
  assert.deepEqual(
    list.versions.map((one: { kind: string; isDefined: boolean }) => [one.kind, one.isDefined]),
    [
      ['service', false],
      ['view', false],
    ],
  );
  const shown = await project.run(['lifecycle', 'show', 'view', 'fraud.use@2']);
  assert.match(shown.stdout, /pass +in_review → active +registry +1 approved it/);
});

test('a model keeps what it reads; a draft is withdrawn; wrong words are told', async (t) => {
  const project = Project.create(t, SOURCE + version(1) + SCORER);
  await project.json(['namespace', 'set', 'fraud', '--require', 'all', '--approvals', '2']);
  await project.json(['apply', '--author', 'jan']);
  const refused = async (...args: string[]) => (await project.json(args)).result.error.message;
  assert.match(
    await refused('lifecycle', 'retire', 'view', 'fraud.use@1'),
    /is still named by service fraud.cards@1, model fraud.scorer@7/,
  );
  const gone = await project.json(['lifecycle', 'withdraw', 'model', 'fraud.scorer@7']);
  assert.equal(gone.result.state, 'retired');
  assert.match(
    await refused('lifecycle', 'retire', 'service', 'fraud.cards@1'),
    /it was never served; withdraw it instead/,
  );
  assert.equal((await project.run(['lifecycle', 'show', 'table', 'x@1'])).code, 2);
  assert.equal((await project.run(['namespace', 'set', 'fraud'])).code, 2);
  assert.equal((await project.run(['namespace', 'set', 'fraud', '--require', 'some'])).code, 2);
  assert.match(await refused('lifecycle', 'submit', 'view', 'fraud.other@1'), /There is no view/);
  const people = await project.run(['approvals']);
  assert.match(people.stdout, /view fraud.use@1 +draft[\s\S]*waits for its author/);
});

test('the audit tells what was done, and shows what was done to it', async (t) => {
  const project = Project.create(t, SOURCE + version(1));
  await project.json(['apply', '--author', 'jan']);
  await project.json([
    ...['lifecycle', 'deprecate', 'service', 'fraud.cards@1', '--author', 'ann'],
    ...['--reason', 'too coarse'],
  ]);
  await project.json(['namespace', 'set', 'fraud', '--approvals', '2', '--author', 'ann']);
  const { result } = await project.json(['audit', 'list']);
  assert.deepEqual(
    result.entries.map((one: { seq: number; actor: string; action: string }) => [
      one.seq,
      one.actor,
      one.action,
    ]),
    [
      [3, 'ann', 'namespace.set'],
      [2, 'ann', 'lifecycle.deprecate'],
      [1, 'jan', 'definitions.apply'],
    ],
  );
  const { result: of } = await project.json(['audit', 'list', '--actor', 'ann', '--limit', '1']);
  assert.equal(of.entries.length, 1);
  const { head } = (await project.json(['audit', 'head'])).result;
  assert.equal((await project.json(['audit', 'verify', '--head', head])).code, 0);
  assert.equal((await project.run(['audit', 'verify', '--head', 'x'])).code, 2);
  await project.json(['audit', 'export', '--out', join(project.folder, 'audit.ndjson')]);
  const lines = readFileSync(join(project.folder, 'audit.ndjson'), 'utf8').trim().split('\n');
  assert.equal(lines.length, 3);
  assert.equal(JSON.parse(lines[2] ?? '').hash, head.split(':')[1]);
  const there = ['audit', 'export', '--out', join(project.folder, 'audit.ndjson')];
  assert.notEqual((await project.run(there)).code, 0, 'nothing is written over');

  const db = new DatabaseSync(join(project.folder, '.asof', 'registry.db'));
  assert.throws(
    () => db.exec("UPDATE audit SET actor = 'kim' WHERE seq = 2"),
    /only ever appended/,
  );
  db.exec('DROP TRIGGER audit_no_update');
  db.exec("UPDATE audit SET actor = 'kim' WHERE seq = 2");
  db.close();
  const broken = await project.run(['audit', 'verify']);
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /broken at entry 2: altered/);
});
