import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFINITIONS, Project, paymentLines } from '../cli/project.ts';

/** As `DEFINITIONS`, with a view that is not applied yet, and a service over it. */
const WITH_RECENT = `${DEFINITIONS}
export const recent = view('recent', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'risk',
  features: () => ({ payments_1d: count().over(sliding('1d')) }),
});
export const recents = service('recents', { version: 1, features: [recent.all()] });
`;

test('a view is backfilled before it is applied, and its tiles are taken over', async (t) => {
  const project = Project.create(t);
  const server = await project.server('dev');
  const to = ['--url', server.url];
  project.write('first.ndjson', paymentLines('c1', 30));
  await project.json(['push', 'payments', 'first.ndjson', ...to]);
  project.write('later.ts', WITH_RECENT);
  const named = ['recent@1', '--definitions', 'later.ts'];
  const planned = await project.json(['backfill', ...named, '--dry-run']);
  assert.equal(planned.result.applied, false);
  assert.equal(planned.result.groups[0].rows, 30);
  // Views of one source, key and filter share their tiles.
  assert.deepEqual(planned.result.touches.services, ['cards@1', 'recents@1']);
  const built = await project.json(['backfill', ...named]);
  assert.equal(built.code, 0, built.stdout);
  assert.equal(built.result.groups[0].status, 'published');
  // What comes between the backfill and the apply is caught up with from the history.
  project.write('second.ndjson', paymentLines('c1', 12));
  await project.json(['push', 'payments', 'second.ndjson', ...to]);
  const before = server.lines.length;
  project.write('features.ts', WITH_RECENT);
  const took = await server.says((line) => JSON.stringify(line).includes('"generation":2'), before);
  assert.deepEqual([took.groupsLoaded, took.groupsReplayed], [1, 0], 'from the backfill');
  const answer = await project.json(['get', 'recents', 'card=c1', ...to]);
  assert.match(answer.stdout, /"payments_1d":42/);
  const again = await project.json(['backfill', 'recent']);
  assert.deepEqual(again.result.groups[0].days.length, 1, 'the day of the second push');
  const verified = await project.json(['verify']);
  assert.equal(verified.code, 0, verified.stdout);
  assert.equal(verified.result.mismatches, 0);
});

test('a name alone is the newest version, also of the definitions; a part says that it is one', async (t) => {
  const project = Project.create(t);
  const server = await project.server('dev');
  project.write('first.ndjson', paymentLines('c1', 30));
  await project.json(['push', 'payments', 'first.ndjson', '--url', server.url]);
  await server.stop();
  const newer = WITH_RECENT.replaceAll("'recent'", "'use'").replace(
    'version: 1, source',
    'version: 9, source',
  );
  project.write('newer.ts', newer);
  const named = ['--definitions', 'newer.ts'];
  const isApplied = async (args: readonly string[]): Promise<unknown> =>
    (await project.json([...args, '--dry-run', ...named])).result.applied;
  assert.equal(await isApplied(['backfill', 'use']), false);
  assert.equal(await isApplied(['backfill', 'use@1']), true);
  assert.equal(await isApplied(['reconcile', 'use']), true);
  const unknown = await project.json(['backfill', 'uses', ...named]);
  assert.match(unknown.result.error.remedy, /use@1, .*use@9/);
  const none = ['--from', '2020-01-01', '--to', '2020-01-01'];
  const part = await project.json(['backfill', 'use', ...none, ...named]);
  const { complete, stopped } = part.result;
  assert.deepEqual([part.code, complete, stopped], [0, false, 'range']);
  const said = await project.run(['backfill', 'use', ...none, ...named]);
  assert.match(said.stdout, /Not complete/);
  const all = await project.json(['backfill', 'use', ...named]);
  assert.deepEqual([all.result.complete, all.result.stopped], [true, null]);
});

test('what cannot be backfilled is told with a code and a remedy', async (t) => {
  const project = Project.create(t);
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['backfill'], 'usage'],
    [['backfill', 'use@1', '--all'], 'usage'],
    [['backfill', 'uses@1'], 'unknown_name'],
    [['backfill', 'use@1', '--window', '25:00-06:00'], 'usage'],
    [['backfill', 'use@1', '--rate', '0'], 'usage'],
    [['backfill', 'use@1', '--quota', 'rows=many'], 'usage'],
    [['backfill', 'use@1', '--from', 'yesterday'], 'usage'],
    [['backfill', 'use@1', '--from', '2026-01-02', '--to', '2026-01-01'], 'usage'],
    [['reconcile', '--show', '9'], 'unknown_name'],
  ];
  for (const [args, code] of cases) {
    const { result } = await project.json(args);
    assert.equal(result.error?.code, code, args.join(' '));
    assert.ok(result.error.remedy.length > 0);
  }
  const { result } = await project.json(['backfill', 'use@1']);
  assert.equal(result.groups[0].status, 'unchanged');
});
