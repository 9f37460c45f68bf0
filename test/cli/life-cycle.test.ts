import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFINITIONS, Project, paymentLines, type ServerRun } from './project.ts';

const OTHER_MEANING = DEFINITIONS.replace(
  'count().over(lifetime())',
  "count().over(sliding('1h'))",
);
const OTHER_LATENESS = DEFINITIONS.replace(
  "id: 'payment',",
  "id: 'payment', allowedLateness: '2d',",
);
const OTHER_OWNER = DEFINITIONS.replace("owner: 'risk'", "owner: 'ops'");

/** A second version of view and service, beside the first. */
const BESIDE = `${DEFINITIONS}
export const use2 = view('use', {
  version: 2, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({
    payments_ever: count().over(lifetime()),
    payments_1h: count().over(sliding('1h')),
  }),
});
export const cards2 = service('cards', { version: 2, features: [use2.all()] });
`;

async function plan(project: Project): Promise<[number | null, string[]]> {
  const { code, result } = await project.json(['plan']);
  const changes: { change: string; kind: string; name: string; version: number | null }[] =
    result.diff.changes;
  return [
    code,
    changes.map(({ change, kind, name, version }) => `${change} ${kind} ${name}@${version ?? ''}`),
  ];
}

test('plan and apply: new, unchanged, metadata, another meaning refused, a version beside', async (t) => {
  const project = Project.create(t);
  const everything = ['source payments@', 'entity card@', 'view use@1', 'service cards@1'];
  assert.deepEqual(await plan(project), [3, everything.map((one) => `added ${one}`)]);
  const applied = await project.json(['apply', '--author', 'jan']);
  assert.deepEqual([applied.code, applied.result.generation], [0, 1]);
  assert.deepEqual(await plan(project), [0, []]);

  project.write('features.ts', OTHER_OWNER);
  assert.deepEqual(await plan(project), [3, ['metadata view use@1']]);
  const owner = await project.run(['plan']);
  assert.match(owner.stdout, /owner: 'risk' → 'ops'/);
  assert.match(owner.stdout, /`asof apply` makes it so/);

  project.write('features.ts', OTHER_MEANING);
  assert.deepEqual(await plan(project), [4, ['refused view use@1', 'refused service cards@1']]);
  const refused = await project.run(['apply']);
  assert.equal(refused.code, 4);
  assert.equal(refused.stdout, '');
  assert.match(refused.stderr, /error version_conflict/);
  assert.match(refused.stderr, /views\.use.*view use@1 was applied before with another meaning/);
  assert.match(refused.stderr, /→ Set version: 2, and keep the old one while a model reads it/);

  project.write('features.ts', OTHER_LATENESS);
  const sourced = await project.run(['apply']);
  assert.equal(sourced.code, 4);
  assert.match(sourced.stderr, /another meaning: source payments: allowed lateness: 1d → 2d\./);
  assert.match(sourced.stderr, /→ Take back what changed in the source, .* Or: Set version: 2/);

  project.write('features.ts', BESIDE);
  assert.deepEqual(await plan(project), [3, ['added view use@2', 'added service cards@2']]);
  const beside = await project.json(['apply']);
  assert.deepEqual([beside.code, beside.result.generation], [0, 2]);
});

test('plan says what can run out over a source with changes, a line each', async (t) => {
  const changing = DEFINITIONS.replace(
    "id: 'payment',",
    "id: 'payment', changes: { column: 'op' },",
  )
    .replace('at: timestamp()', 'at: timestamp(), op: string()')
    .replace('import { count,', 'import { count, session,')
    .replace('over(lifetime()) }', "over(lifetime()), visit: count().over(session('5m')) }");
  const project = Project.create(t, changing);
  const { stdout } = await project.run(['plan']);
  assert.match(
    stdout,
    /Kept for changes\n {2}use@1\.visit keeps a key's newest 1,000 event times;/,
  );
  assert.doesNotMatch(stdout, /use@1\.payments_ever keeps/);
  const { result } = await project.json(['plan']);
  assert.deepEqual(
    result.kept.map(({ feature }: { feature: string }) => feature),
    ['use@1.visit'],
  );
});

test('init writes a project that plans at once, and keeps what is there', async (t) => {
  const project = Project.create(t, null);
  project.write('features.ts', '// mine\n');
  project.write('.gitignore', 'mine\n');
  const kept = await project.json(['init']);
  assert.deepEqual(kept.result.kept.toSorted(), ['.gitignore', 'features.ts']);
  assert.equal(readFileSync(join(project.folder, 'features.ts'), 'utf8'), '// mine\n');
  assert.equal(readFileSync(join(project.folder, '.gitignore'), 'utf8'), 'mine\n');
  const { code, result } = await project.json(['init', 'fresh']);
  assert.deepEqual([code, result.kept], [0, []]);
  for (const path of [
    'features.ts',
    'asof.json',
    'package.json',
    'payments.ndjson',
    'labels.csv',
  ]) {
    assert.ok(existsSync(join(project.folder, 'fresh', path)), path);
  }
  const manifest = JSON.parse(readFileSync(join(project.folder, 'fresh/package.json'), 'utf8'));
  assert.match(
    manifest.dependencies.asof,
    /^file:/,
    'from a clone, a project depends on the clone',
  );
  const planned = await project.json(['plan', '--project', 'fresh']);
  assert.deepEqual([planned.code, planned.result.diff.added], [3, 4]);
  const inFile = await project.run(['init', 'features.ts']);
  assert.equal(inFile.code, 1);
  assert.match(inFile.stderr, /error disk_failed: Cannot write a project in .*features\.ts/);
});

async function push(server: ServerRun, lines: string): Promise<void> {
  const response = await fetch(`${server.url}/v1/events/payments`, {
    method: 'POST',
    body: lines,
    headers: { 'content-type': 'application/x-ndjson' },
  });
  assert.equal(response.status, 200, await response.text());
}

async function values(server: ServerRun, card: string, version?: number): Promise<unknown> {
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    body: JSON.stringify({ service: 'cards', version, rows: [{ card }] }),
    headers: { 'content-type': 'application/json' },
  });
  const body = (await response.json()) as { rows?: { values: unknown }[]; error?: unknown };
  return body.rows?.[0]?.values ?? body.error;
}

test('dev takes a change over while events and reads go on, and builds it from the log', async (t) => {
  const project = Project.create(t);
  const server = await project.server('dev');
  let pushed = 0;
  let isDone = false;
  const writing = (async (): Promise<void> => {
    while (!isDone) {
      await push(server, paymentLines('c1', 5));
      pushed += 5;
      const seen = (await values(server, 'c1', 1)) as { payments_ever: number };
      assert.equal(seen.payments_ever, pushed, 'an acknowledged event is in the next answer');
    }
  })();
  // A mistake first: it is told, and what was there goes on.
  project.write('features.ts', `${BESIDE}\nexport const x = ;\n`);
  await server.says((line) => 'error' in line);
  project.write('features.ts', OTHER_MEANING);
  const conflict = await server.says((line) => String(JSON.stringify(line)).includes('conflict'));
  assert.match(JSON.stringify(conflict), /Set version: 2/);
  project.write('features.ts', BESIDE);
  await server.says((line) => line.reloaded === true);
  const before = pushed;
  assert.ok(before > 0, 'events came before the change');
  isDone = true;
  await writing;
  assert.deepEqual(await values(server, 'c1', 2), { payments_1h: pushed, payments_ever: pushed });
  assert.deepEqual(await values(server, 'c1', 1), { payments_ever: pushed });
  assert.equal(await server.stop(), 0);
  const again = await project.server('dev');
  assert.deepEqual(await values(again, 'c1', 2), { payments_1h: pushed, payments_ever: pushed });
});

test('serve refuses to run before the first apply, and follows every later one', async (t) => {
  const project = Project.create(t);
  const early = await project.pipe('', ['serve']);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /error not_applied: [\s\S]*→ Run `asof apply` first/);
  await project.run(['apply']);
  const server = await project.server('serve');
  await push(server, paymentLines('c2', 3));
  project.write('features.ts', BESIDE);
  const applied = await project.json(['apply']);
  assert.equal(applied.result.generation, 2);
  await server.says((line) => line.generation === 2);
  assert.deepEqual(await values(server, 'c2', 2), { payments_1h: 3, payments_ever: 3 });
  assert.equal(await server.stop(), 0);
});
