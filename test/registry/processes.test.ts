import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '../../src/plan/canonical.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { mergeScoped } from '../../src/plan/scoped.ts';
import { onBothDatabases } from '../../src/registry/both-databases.fixture.ts';
import type { RegistryAddress } from '../../src/registry/database.ts';
import { Registry } from '../../src/registry/registry.ts';
import type { Orders, Outcome } from './applier.ts';
import { type ProjectShape, projectOf } from './projects.ts';

const APPLIER = fileURLToPath(new URL('applier.ts', import.meta.url));
/** Null where the process died. */
function run(orders: Omit<Orders, 'address'>, address: RegistryAddress): Promise<Outcome | null> {
  const argument = JSON.stringify({ ...orders, address } satisfies Orders);
  const child = spawn(process.execPath, ['--conditions=asof-source', APPLIER, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (part) => {
    text += String(part);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(null);
      else if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`the process ended with ${code}: ${text}`));
    });
  });
}

async function look<T>(
  address: RegistryAddress,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  const registry = await Registry.open(address, { nowMs: () => 5 });
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

onBothDatabases('what several processes apply at once is all there', async (_t, address) => {
  await look(address, async (registry) => registry.generation());
  const teams = ['ads', 'fraud', 'risk'];
  const stepsOf = (namespace: string): ProjectShape[] =>
    [1, 2].map((a) => ({ namespace, views: { a, [`b${a}`]: 1 } }));
  const outcomes = await Promise.all(
    teams.map((team) => run({ steps: stepsOf(team), dieAt: 0 }, address)),
  );
  const generations = outcomes.flatMap((outcome) => outcome?.results ?? []);
  assert.deepEqual(
    generations.toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 6 }, (_, i) => i + 1),
  );
  let expected: ProjectPlan | null = null;
  for (const team of teams) {
    const last = projectOf({ namespace: team, views: { a: 2, b2: 1 } });
    expected = mergeScoped(expected, last, [team]).plan;
  }
  await look(address, async (registry) => {
    assert.equal(canonicalJson((await registry.current())?.plan), canonicalJson(expected));
    // One step of one team at a time: every generation is that of one before, and one apply.
    const history = await registry.history();
    for (const [at, { plan }] of history.entries()) {
      const before = new Set(history[at - 1]?.plan.services.map(({ hash }) => hash));
      const added = plan.services.filter(({ hash }) => !before.has(hash));
      assert.equal(new Set(added.map(({ name }) => name.split('.')[0])).size, 1, `${at}`);
    }
  });
});

onBothDatabases('of several that change the same, exactly one wins', async (_t, address) => {
  const first = { namespace: 'fraud', views: { a: 1 } };
  await look(address, (registry) => registry.apply({ plan: projectOf(first), author: 'ada' }));
  const outcomes = await Promise.all(
    [2, 3, 4].map((a) =>
      run({ steps: [{ namespace: 'fraud', views: { a } }], basedOn: 1, dieAt: 0 }, address),
    ),
  );
  const results = outcomes.flatMap((outcome) => outcome?.results ?? []);
  assert.deepEqual(results.toSorted(), [2, 'run_conflict', 'run_conflict']);
  const winner = results.indexOf(2) + 2;
  const current = await look(address, (registry) => registry.current());
  assert.deepEqual(
    [current?.generation, current?.plan.views.map(({ version }) => version)],
    [2, [winner]],
  );
});

onBothDatabases('an apply that dies half way has changed nothing', async (_t, address) => {
  const before = { namespace: 'fraud', views: { a: 1, b: 1 } };
  const after = { namespace: 'fraud', views: { a: 2, c: 1 } };
  await look(address, (registry) => registry.apply({ plan: projectOf(before), author: 'ada' }));
  const states = () =>
    look(address, async (registry) => ({
      plan: canonicalJson((await registry.current())?.plan),
      generation: await registry.generation(),
      versions: await registry.viewVersions('fraud.a'),
      lifecycle: (await registry.lifecycle.states()).length,
      audit: (await registry.audit.head()).seq,
      changes: [...(await registry.changes())],
    }));
  const old = await states();
  assert.equal(old.plan, canonicalJson(projectOf(before)));
  // How many statements there are is found by dying ever later.
  let died = 0;
  let step = 1;
  for (let dieAt = 1; ; dieAt += step) {
    const outcome = await run({ steps: [after], dieAt }, address);
    if (outcome !== null) break;
    died += 1;
    assert.deepEqual(await states(), old, `died before statement ${dieAt}`);
    step += 3;
  }
  assert.ok(died >= 4, `${died}`);
  assert.equal((await states()).plan, canonicalJson(projectOf(after)));
  assert.equal((await states()).generation, 2);
});

onBothDatabases('death before the very end of an apply changes nothing', async (_t, address) => {
  const shape = (a: number) => ({ namespace: 'fraud', views: { a } });
  const first = await run({ steps: [shape(1)], dieAt: 0 }, address);
  const second = await run({ steps: [shape(2)], dieAt: 0 }, address);
  assert.ok(first !== null && second !== null);
  // The same kind of change takes as many statements; the last one commits.
  assert.equal(await run({ steps: [shape(3)], dieAt: second.statements }, address), null);
  assert.equal(await look(address, (registry) => registry.generation()), 2);
  const third = await run({ steps: [shape(3)], dieAt: second.statements + 1 }, address);
  assert.deepEqual(third?.results, [3]);
});
