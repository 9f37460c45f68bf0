import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEFINITIONS, Project, paymentLines } from './project.ts';

const OTHER_OWNER = DEFINITIONS.replace("owner: 'risk'", "owner: 'ops'");
const OTHER_WINDOW = DEFINITIONS.replace('count().over(lifetime())', "count().over(sliding('1h'))");

/** A second version beside the first. */
const SECOND = `${DEFINITIONS}
export const use2 = view('use', {
  version: 2, source: payments, entity: card, key: { card: 'card' }, state: { keys: 1000 },
  features: () => ({ payments_ever: count().over(sliding('1h')) }),
});
`;

test('what a plan showed is applied, exactly, or nothing is', async (t) => {
  const project = Project.create(t);
  const planned = await project.json(['plan', '--out', 'plan.json']);
  assert.deepEqual([planned.code, planned.result.out], [3, join(project.folder, 'plan.json')]);
  for (const [out, code] of [
    ['nowhere/plan.json', 'file_not_found'],
    ['.', 'usage'],
  ] as const) {
    assert.equal((await project.json(['plan', '--out', out])).result.error.code, code);
  }
  assert.equal((await project.json(['apply', '--plan', '.'])).result.error.code, 'unreadable_file');
  const file = (): string => readFileSync(join(project.folder, 'plan.json'), 'utf8');
  const apply = ['apply', '--plan', 'plan.json'];

  project.write('features.ts', OTHER_OWNER);
  const changed = await project.json(apply);
  assert.deepEqual([changed.code, changed.result.error.code], [4, 'plan_stale']);
  assert.match(changed.result.error.message, /The definitions are not those that were planned/);
  project.write('features.ts', DEFINITIONS);

  const sound = file();
  project.write('plan.json', sound.replace('"generation": 0', '"generation": 7'));
  const tampered = await project.json(apply);
  assert.deepEqual([tampered.code, tampered.result.error.code], [1, 'unreadable_file']);
  for (const broken of ['', '[]', 'no', '{"format":1}', sound.slice(0, 900)]) {
    project.write('plan.json', broken);
    assert.equal((await project.json(apply)).result.error.code, 'unreadable_file', broken);
  }
  project.write('plan.json', '{"format":2}');
  assert.equal((await project.json(apply)).result.error.code, 'newer_format');
  const none = await project.json(['apply', '--plan', 'none.json']);
  assert.equal(none.result.error.code, 'file_not_found');

  project.write('plan.json', sound);
  const applied = await project.json(apply);
  assert.deepEqual([applied.code, applied.result.generation], [0, 1], applied.stdout);
  assert.deepEqual(applied.result.diff, planned.result.diff);
  const again = await project.json(apply);
  assert.equal(again.result.error.code, 'plan_stale');
  assert.match(
    again.result.error.message,
    /generation 0, and 1 is applied, with other definitions/,
  );
});

test('what is refused is written to no file, and says exactly what to write instead', async (t) => {
  const project = Project.create(t);
  await project.json(['apply']);
  project.write('features.ts', SECOND);
  const beside = await project.json(['plan', '--out', 'plan.json']);
  const [added] = beside.result.diff.changes;
  assert.deepEqual([added.class, added.since], ['added', { version: 1, class: 'breaking' }]);
  assert.deepEqual(
    added.rules.map(({ rule }: { rule: string }) => rule),
    ['window_changed'],
  );
  assert.equal((await project.json(['apply', '--plan', 'plan.json'])).code, 0);

  project.write('features.ts', SECOND.replace('lifetime()', "sliding('1d')"));
  const refused = await project.json(['plan', '--out', 'other.json']);
  assert.deepEqual([refused.code, refused.result.out], [4, null]);
  assert.equal(existsSync(join(project.folder, 'other.json')), false);
  const [view, service] = refused.result.diff.changes;
  assert.deepEqual(
    [view.name, view.change, view.class, view.remedy],
    ['use', 'refused', 'breaking', 'version: 3'],
  );
  assert.deepEqual([service.class, service.remedy], ['breaking', 'version: 2']);
  assert.equal(refused.result.diff.classes.breaking, 2);
  assert.match(refused.result.refusals[0].remedy, /Set version: 3, and keep the old one/);
  const said = await project.run(['plan']);
  assert.match(
    said.stdout,
    /! view use@1 \(breaking\)\n.*window: .* → .* \[window_changed\]\n.*→ version: 3/,
  );
  assert.match(said.stdout, /touches features: use@1\.payments_ever|touches services: cards@1/);
});

test('a plan tells what a change touches, and what it takes to build', async (t) => {
  const project = Project.create(t);
  project.write('asof.json', '{"port":0,"archiveEverySeconds":1}');
  const server = await project.server('dev');
  const to = ['--url', server.url];
  project.write('events.ndjson', paymentLines('c1', 40));
  await project.json(['push', 'payments', 'events.ndjson', ...to]);
  await project.json(['publish', 'cards@1', ...to]);
  // What is in the log alone is not counted.
  const planned = () => project.json(['plan', '--definitions', 'next.ts']);
  project.write('next.ts', SECOND);
  let { result } = await planned();
  while (result.cost.events === 0) ({ result } = await planned());
  await server.stop();
  project.write('features.ts', SECOND);
  const [impact] = result.impact;
  assert.equal(impact.cost.groupsAdded.length, 1);
  assert.ok(impact.cost.bytesAdded > 1_000, 'of a thousand keys');
  assert.deepEqual([impact.replay.events, impact.replay.days], [40, 1]);
  assert.ok(impact.replay.bytes > 0 && impact.replay.seconds > 0);
  assert.deepEqual(result.cost, impact.replay);
  assert.match((await project.run(['plan'])).stdout, /builds 1 tile group: .*; 40 archived events/);

  project.write('features.ts', OTHER_WINDOW);
  const other = await project.json(['plan']);
  const [view, service] = other.result.impact;
  assert.deepEqual(view.touches.services, ['cards@1']);
  assert.deepEqual(view.touches.released, ['cards@1 (live)']);
  assert.deepEqual(service.touches.released, ['cards@1 (live)']);
  assert.equal(view.cost.groupsRemoved.length, 1);
});
