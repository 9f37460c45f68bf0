import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ManualClock } from '../../src/base/clock.ts';
import { canonicalJson } from '../../src/plan/canonical.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';
import { mergeScoped } from '../../src/plan/scoped.ts';
import { onBothDatabases } from '../../src/registry/both-databases.fixture.ts';
import type { RegistryAddress } from '../../src/registry/database.ts';
import { openDatabase } from '../../src/registry/open-database.ts';
import { Registry } from '../../src/registry/registry.ts';
import { definitionsOf, projectOf } from './projects.ts';

const author = 'ada';
const fraud = (views: Record<string, number>): ProjectPlan =>
  projectOf({ namespace: 'fraud', views });

async function withRegistry<T>(
  address: RegistryAddress,
  work: (registry: Registry, clock: ManualClock) => Promise<T>,
): Promise<T> {
  const clock = new ManualClock(1_000);
  const registry = await Registry.open(address, clock);
  try {
    return await work(registry, clock);
  } finally {
    await registry.close();
  }
}

onBothDatabases(
  'what was applied comes back, to the byte, however long ago',
  async (_t, address) => {
    const step = fc.record({
      namespace: fc.constantFrom('fraud', 'ads', 'risk'),
      views: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(1, 2, 3), {
        minKeys: 1,
      }),
      owner: fc.constantFrom('ada', 'bob'),
    });
    let first = 0;
    await withRegistry(address, (registry, clock) =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
          const before = await registry.current();
          const plans: ProjectPlan[] = [];
          let model = before?.plan ?? null;
          for (const shape of steps) {
            clock.advanceTo(clock.nowMs() + 10);
            const own = [shape.namespace];
            const merged = mergeScoped(model, projectOf(shape), own).plan;
            const isSame = model !== null && canonicalJson(model) === canonicalJson(merged);
            const last = (await registry.current())?.generation ?? 0;
            const applied = await registry.apply({
              plan: projectOf(shape),
              author,
              namespaces: own,
            });
            assert.equal(applied.generation, isSame ? last : last + 1);
            if (!isSame) plans.push(merged);
            model = merged;
            assert.equal(canonicalJson((await registry.current())?.plan), canonicalJson(merged));
          }
          const generation = before?.generation ?? 0;
          // Another reader, who knows of nothing, and finds all of it.
          await withRegistry(address, async (other) => {
            for (const [at, plan] of plans.entries()) {
              assert.equal(
                canonicalJson(await other.planOf(generation + 1 + at)),
                canonicalJson(plan),
              );
            }
            const history = await other.history();
            assert.equal(canonicalJson(history.at(-1)?.plan ?? null), canonicalJson(model));
            first = history[0]?.generation ?? 0;
            const [service] = model?.services ?? [];
            if (service !== undefined) {
              const found = await other.planWith(service.name, service.version);
              assert.equal(canonicalJson(found), canonicalJson(model));
            }
          });
        }),
        { numRuns: 4 },
      ),
    );
    assert.equal(first, 1);
  },
);

onBothDatabases('what an earlier plan had is found after it went', async (_t, address) => {
  await withRegistry(address, async (registry, clock) => {
    for (const version of [1, 2, 3]) {
      clock.advanceTo(version * 10_000);
      await registry.apply({
        plan: fraud({ a: version, ...(version === 2 ? { b: 2 } : {}) }),
        author,
      });
    }
    const second = canonicalJson(await registry.planOf(2));
    assert.equal(canonicalJson(await registry.planWithView('fraud.a', 2)), second);
    assert.equal(canonicalJson(await registry.planWith('fraud.b', 2)), second);
    assert.equal(await registry.planWith('fraud.b', 1), null);
    assert.deepEqual(await registry.viewVersions('fraud.a'), [1, 2, 3]);
    const plans = await registry.plansSince(25_000);
    assert.deepEqual(
      plans.map((plan) => plan.views.map(({ version }) => version)),
      [[2, 2], [3]],
    );
    await assert.rejects(registry.planOf(4), { code: 'not_applied' });
  });
});

onBothDatabases('an apply writes what it changes', async (_t, address) => {
  const views = (changed: number) =>
    Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`v${i}`, i === 7 ? changed : (i % 2) + 1]),
    );
  const db = await openDatabase(address);
  const rows = async (table: 'contents' | 'members' | 'definitions'): Promise<number> =>
    (await db.selectFrom(table).selectAll().execute()).length;
  try {
    const registry = Registry.over(db, new ManualClock(1));
    await registry.apply({ plan: fraud(views(1)), author });
    const before = [await rows('contents'), await rows('members'), await rows('definitions')];
    await registry.apply({ plan: fraud(views(2)), author });
    const after = [await rows('contents'), await rows('members'), await rows('definitions')];
    // The view and its service: its windows are those of tiles that are there already.
    assert.ok(
      after.every((count, i) => count - (before[i] ?? 0) === 2),
      `${before} → ${after}`,
    );
    await registry.apply({ plan: fraud(views(1)), author });
    assert.equal(await rows('contents'), after[0], 'what was there before is there still');
  } finally {
    await db.destroy();
  }
});

onBothDatabases(
  'two of one namespace: who planned on what is gone is refused',
  async (_t, address) => {
    await withRegistry(address, async (registry) => {
      const apply = (namespace: string, a: number, basedOn: number) =>
        registry.apply({
          plan: projectOf({ namespace, views: { a } }),
          author,
          namespaces: [namespace],
          basedOn,
        });
      assert.equal((await apply('fraud', 1, 0)).generation, 1);
      assert.equal((await apply('ads', 1, 0)).generation, 2, 'others are none of its business');
      assert.equal((await apply('fraud', 2, 1)).generation, 3);
      await assert.rejects(apply('fraud', 3, 1), { code: 'run_conflict', message: /generation 3/ });
      assert.equal((await apply('fraud', 2, 1)).generation, 3, 'the same again is no conflict');
      await assert.rejects(registry.apply({ plan: fraud({ a: 4 }), author, basedOn: 2 }), {
        code: 'run_conflict',
      });
      const current = await registry.current();
      assert.deepEqual(
        current?.plan.views.map(({ name, version }) => `${name}@${version}`),
        ['ads.a@1', 'fraud.a@2'],
      );
    });
  },
);

onBothDatabases(
  'a name@version keeps its meaning, and what is published stays',
  async (_t, address) => {
    await withRegistry(address, async (registry) => {
      await registry.apply({ plan: fraud({ a: 1 }), author });
      const other = fraud({ a: 1, b: 1 });
      const altered = projectOf({ namespace: 'fraud', views: { a: 1 }, hours: 1 });
      await assert.rejects(registry.apply({ plan: altered, author }), { code: 'version_conflict' });
      await registry.apply({ plan: other, author });
      const released = { service: 'fraud.a', version: 1, canaryPpm: null, liveBefore: 1 };
      const who = { atMs: 5, author, reason: null, evidence: {} };
      await registry.releases.publish({ ...released, ...who });
      await assert.rejects(registry.apply({ plan: fraud({ b: 1 }), author }), {
        code: 'version_conflict',
      });
      assert.equal((await registry.current())?.generation, 2);
    });
  },
);

onBothDatabases('the books keep what they are told', async (_t, address) => {
  await withRegistry(address, async (registry) => {
    const begin = (name: string) =>
      registry.datasets.begin({ name, author, createdMs: 5, generation: 1, throughCommit: 7 });
    const begun = await Promise.all(['d', 'd', 'e', 'd'].map(begin));
    assert.deepEqual(begun.map(({ number }) => number).sort(), [1, 1, 2, 3]);
    await registry.datasets.abandon('d', 2, 9);
    const claims = await registry.datasets.claims();
    assert.deepEqual(
      claims.map(({ name, number, state }) => `${name}@${number} ${state}`),
      ['d@1 building', 'd@2 deleted', 'd@3 building', 'e@1 building'],
    );
    const report = { view: 'v', version: 1, hash: 'h', result: 'pass', createdMs: 5 } as const;
    await registry.validations.add({ ...report, againstHash: null, report: { n: 1 } });
    const id = await registry.validations.add({ ...report, againstHash: 'g', report: { n: 2 } });
    assert.equal((await registry.validations.newest('h', 'g'))?.id, id);
    assert.equal((await registry.validations.newest('h', null))?.report, '{"n":2}');
    assert.equal(await registry.validations.newest('x', null), null);
    assert.equal(await registry.generationServed(), 0);
    await registry.tookOver(3, 2 ** 52);
    assert.equal(await registry.generationServed(), 3);
    const changes = await registry.changes();
    assert.equal(changes.get('plan') ?? 0, 0, 'no plan was applied');
  });
});

onBothDatabases('all of a transaction is done, or nothing', async (_t, address) => {
  await withRegistry(address, async (registry) => {
    const failing = registry.transaction(async (within) => {
      await within.apply({ plan: fraud({ a: 1 }), author });
      await within.releases.publish({
        ...{ service: 'fraud.a', version: 1, canaryPpm: null, liveBefore: 1 },
        ...{ atMs: 5, author, reason: null, evidence: {} },
      });
      assert.equal((await within.current())?.generation, 1);
      throw new Error('on purpose');
    });
    await assert.rejects(failing, /on purpose/);
    assert.equal(await registry.current(), null);
    assert.deepEqual(await registry.releases.current(), []);
    assert.deepEqual([...(await registry.changes())], []);
    const [one, two] = await Promise.all([1, 2].map((n) => registry.consistently(async () => n)));
    assert.deepEqual([one, two], [1, 2]);
  });
});

onBothDatabases('texts are texts, whatever they look like', async (_t, address) => {
  const nasty = fc.oneof(
    fc.constantFrom(
      `'; DROP TABLE applies; --`,
      `" OR 1=1 --`,
      '$1',
      '?1',
      '%s\\',
      '\u2028</script>',
      '\ud800',
      '😀',
      `{"a":1}`,
      'NULL',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', '')),
  );
  await withRegistry(address, (registry) =>
    fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, async (owner, description, tag) => {
        const shape = { namespace: 'fraud', views: { a: 1 }, owner, description, tags: [tag] };
        let plan: ProjectPlan;
        try {
          plan = compileProject(definitionsOf(shape));
        } catch {
          return;
        }
        await registry.apply({ plan, author: owner, namespaces: ['fraud'] });
        const current = await registry.current();
        assert.equal(canonicalJson(current?.plan), canonicalJson(plan));
        assert.deepEqual(await registry.releases.history(owner), []);
        assert.deepEqual(await registry.datasets.list(tag), []);
        assert.equal(await registry.planWith(owner, 1), null);
      }),
      { numRuns: 40 },
    ),
  );
  await withRegistry(address, async (registry) => {
    const plan = fraud({ z: 1 });
    await assert.rejects(registry.apply({ plan, author: 'a\0b', namespaces: ['fraud'] }), {
      code: 'usage',
    });
  });
});
