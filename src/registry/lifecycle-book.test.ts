import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { AsofError, type ErrorCode } from '../base/errors.ts';
import { count } from '../define/aggregate.ts';
import { string, timestamp } from '../define/column.ts';
import { dashboard } from '../define/dashboard.ts';
import { entity } from '../define/entity.ts';
import { model } from '../define/model.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from '../plan/compile.ts';
import { onBothDatabases } from './both-databases.fixture.ts';
import type { RegistryAddress } from './database.ts';
import { dependentsOf } from './dependents.ts';
import { titleOf, type VersionId } from './lifecycle.ts';
import { Registry } from './registry.ts';
import { servingStates } from './serving-states.ts';

const clock = new ManualClock(1_700_000_000_000);
const by = (actor: string) => ({ actor, nowMs: clock.nowMs() });

const payments = stream('fraud.payments', {
  columns: { user: string(), at: timestamp() },
  eventTime: 'at',
});
const user = entity('fraud.user', { keys: { user: string() } });

interface Options {
  readonly risk?: 'high';
  readonly description?: string;
}

const spendOf = (version: number, options: Options = {}) =>
  view('fraud.spend', {
    ...{ version, source: payments, entity: user, key: { user: 'user' }, ...options },
    features: () => ({ n: count().over(sliding(version === 1 ? '1h' : '2h')) }),
  });
const checksOf = (version: number, options: Options = {}) =>
  service('fraud.checks', { version, features: [spendOf(version, options).all()] });

const planOf = (...definitions: unknown[]) => compileProject(definitions);
const spend = (version: number): VersionId => ({ kind: 'view', name: 'fraud.spend', version });
const checks = (version: number): VersionId => ({ kind: 'service', name: 'fraud.checks', version });

const refused =
  (code: ErrorCode, words = /./) =>
  (error: unknown): boolean =>
    error instanceof AsofError &&
    error.code === code &&
    words.test([error.message, ...error.issues.map(({ message }) => message)].join('\n'));

async function open(t: TestContext, address: RegistryAddress): Promise<Registry> {
  const registry = await Registry.open(address, clock);
  t.after(() => registry.close());
  return registry;
}

const move = (
  registry: Registry,
  id: VersionId,
  event: Parameters<Registry['lifecycle']['move']>[1]['event'],
  actor: string,
) => registry.lifecycle.move(id, { event, reason: null }, by(actor));
const approve = (registry: Registry, id: VersionId, actor: string, digest: string | null = null) =>
  registry.lifecycle.approve(id, { digest, reason: null }, by(actor));
const stateOf = async (registry: Registry, id: VersionId) =>
  (await registry.lifecycle.of(id))?.state;

onBothDatabases('what nothing asks approval for is active at once', async (t, address) => {
  const registry = await open(t, address);
  await registry.apply({ plan: planOf(checksOf(1)), author: 'jan' });
  assert.deepEqual(
    (await registry.lifecycle.states()).map((one) => [titleOf(one), one.state, one.author]),
    [
      ['service fraud.checks@1', 'active', 'jan'],
      ['view fraud.spend@1', 'active', 'jan'],
    ],
  );
  const notes = await registry.audit.list({ limit: 10 });
  assert.deepEqual(
    notes.map(({ actor, action, namespace, target }) => [actor, action, namespace, target]),
    [['jan', 'definitions.apply', 'fraud', 'generation 1']],
  );
  assert.match(notes[0]?.details ?? '', /"added":\[.*"view fraud.spend@1"/);
});

onBothDatabases('of high risk: two people, and exactly what was looked at', async (t, address) => {
  const registry = await open(t, address);
  await registry.apply({ plan: planOf(checksOf(1, { risk: 'high' })), author: 'jan' });
  assert.equal(await stateOf(registry, spend(1)), 'draft');
  assert.equal(await stateOf(registry, checks(1)), 'draft');
  const plan = (await registry.current())?.plan;
  assert.ok(plan);
  const [serving] = servingStates(plan, await registry.lifecycle.states());
  assert.match(serving?.refusal?.message ?? '', /^The service fraud.checks@1 is draft/);

  await assert.rejects(approve(registry, spend(1), 'ann'), refused('lifecycle_refused', /submit/));
  await move(registry, spend(1), 'submit', 'kim');
  for (const [actor, why] of [
    ['jan', /jan wrote it/],
    ['kim', /kim submitted it/],
  ] as const) {
    await assert.rejects(approve(registry, spend(1), actor), refused('lifecycle_refused', why));
  }
  const digest = (await registry.lifecycle.of(spend(1)))?.digest ?? '';
  // The content changes under review, and with it what an approval would be of.
  const described = checksOf(1, { risk: 'high', description: 'another' });
  await registry.apply({ plan: planOf(described), author: 'eva' });
  assert.equal(await stateOf(registry, spend(1)), 'draft');
  await move(registry, spend(1), 'submit', 'kim');
  await assert.rejects(approve(registry, spend(1), 'ann', digest), refused('run_conflict'));
  await assert.rejects(approve(registry, spend(1), 'eva'), refused('lifecycle_refused', /wrote/));
  // What eva brought is in it still, whoever applied a word to it since.
  const more = checksOf(1, { risk: 'high', description: 'another one' });
  await registry.apply({ plan: planOf(more), author: 'jan' });
  await move(registry, spend(1), 'submit', 'kim');
  await assert.rejects(approve(registry, spend(1), 'eva'), refused('lifecycle_refused', /wrote/));
  await approve(registry, spend(1), 'ann');
  assert.equal(await stateOf(registry, spend(1)), 'active');
  // The service was read with its view: both are needed.
  await move(registry, checks(1), 'submit', 'jan');
  await move(registry, checks(1), 'reject', 'ann');
  assert.equal(await stateOf(registry, checks(1)), 'draft');
  await move(registry, checks(1), 'submit', 'jan');
  await approve(registry, checks(1), 'ann');
  const [now] = servingStates(plan, await registry.lifecycle.states());
  assert.equal(now?.refusal, null);
  const steps = (await registry.lifecycle.history(spend(1))).map(({ event, to }) => [event, to]);
  assert.deepEqual(steps.toReversed(), [
    ['apply', 'draft'],
    ['submit', 'in_review'],
    ['change', 'draft'],
    ['submit', 'in_review'],
    ['change', 'draft'],
    ['submit', 'in_review'],
    ['approve', 'in_review'],
    ['pass', 'active'],
  ]);
  assert.equal((await registry.audit.verify(null)).broken, null);
});

onBothDatabases('a mark is not dropped in place, nor with the next version', async (t, address) => {
  const registry = await open(t, address);
  await registry.apply({ plan: planOf(checksOf(1, { risk: 'high' })), author: 'jan' });
  const dropped = registry.apply({ plan: planOf(checksOf(1)), author: 'jan' });
  await assert.rejects(dropped, refused('version_conflict', /was marked as of high risk/));
  const both = planOf(checksOf(1, { risk: 'high' }), checksOf(2));
  await registry.apply({ plan: both, author: 'jan' });
  assert.equal(await stateOf(registry, spend(2)), 'draft');
  await move(registry, spend(2), 'withdraw', 'jan');
  const third = planOf(checksOf(1, { risk: 'high' }), checksOf(3));
  await registry.apply({ plan: third, author: 'jan' });
  assert.equal(await stateOf(registry, spend(3)), 'draft', 'a draft withdrawn is no way around');
  // What was withdrawn keeps its number for ever.
  await assert.rejects(
    registry.apply({ plan: both, author: 'jan' }),
    refused('version_conflict', /view fraud.spend@2 is retired, and still defined/),
  );
});

onBothDatabases('the mark of a draft is not dropped by raising its version', async (t, address) => {
  const registry = await open(t, address);
  await registry.apply({ plan: planOf(checksOf(1)), author: 'jan' });
  const risky = checksOf(2, { risk: 'high' });
  await registry.apply({ plan: planOf(checksOf(1), risky), author: 'jan' });
  await registry.apply({ plan: planOf(checksOf(1), checksOf(3)), author: 'jan' });
  assert.equal(await stateOf(registry, spend(1)), 'active');
  assert.equal(await stateOf(registry, spend(2)), 'draft');
  assert.equal(await stateOf(registry, spend(3)), 'draft');
  assert.equal(await stateOf(registry, checks(3)), 'draft');
});

onBothDatabases('nor by the next version in the same apply', async (t, address) => {
  const registry = await open(t, address);
  const risky = checksOf(1, { risk: 'high' });
  const both = planOf(risky, checksOf(2));
  const ahead = await registry.lifecycle.draftsAhead(both);
  assert.ok(ahead.some(({ title }) => title === 'view fraud.spend@2'));
  await registry.apply({ plan: both, author: 'jan' });
  assert.equal(await stateOf(registry, spend(2)), 'draft');
  // Once it is approved, the mark is gone for those that follow it.
  await move(registry, spend(2), 'submit', 'jan');
  await approve(registry, spend(2), 'ann');
  await registry.apply({ plan: planOf(risky, checksOf(2), checksOf(3)), author: 'jan' });
  assert.equal(await stateOf(registry, spend(3)), 'active');
});

onBothDatabases('a namespace says what it asks for', async (t, address) => {
  const registry = await open(t, address);
  await registry.namespaces.set('fraud', { approvals: 2, requires: 'all' }, by('root'));
  await registry.apply({ plan: planOf(checksOf(1)), author: 'jan' });
  await move(registry, spend(1), 'submit', 'jan');
  await approve(registry, spend(1), 'ann');
  assert.equal(await stateOf(registry, spend(1)), 'in_review');
  await assert.rejects(
    approve(registry, spend(1), 'ann'),
    refused('lifecycle_refused', /has appr/),
  );
  await approve(registry, spend(1), 'bob');
  assert.equal(await stateOf(registry, spend(1)), 'active');
  // Asking for less lets go on what waits with enough.
  await move(registry, checks(1), 'submit', 'jan');
  await approve(registry, checks(1), 'ann');
  await registry.namespaces.set('fraud', { approvals: 1 }, by('root'));
  await registry.lifecycle.settleAll('fraud', by('root'));
  assert.equal(await stateOf(registry, checks(1)), 'active');
  await registry.namespaces.set('fraud', { requires: 'none' }, by('root'));
  await registry.apply({
    plan: planOf(checksOf(1), checksOf(2, { risk: 'high' })),
    author: 'jan',
  });
  assert.equal(await stateOf(registry, spend(2)), 'active');
  await registry.namespaces.set('fraud', { requires: 'all', kinds: ['model'] }, by('root'));
  const scorer = model('fraud.scorer', { version: 1, service: checksOf(1) });
  await registry.apply({
    plan: planOf(scorer, checksOf(2, { risk: 'high' }), checksOf(3)),
    author: 'jan',
  });
  assert.equal(await stateOf(registry, spend(3)), 'active');
  assert.equal(
    await stateOf(registry, { ...spend(1), kind: 'model', name: 'fraud.scorer' }),
    'draft',
  );
});

onBothDatabases(
  'what is retired is gone for new applies, and was read by nobody',
  async (t, address) => {
    const registry = await open(t, address);
    const scorer = model('fraud.scorer', { version: 7, service: checksOf(1) });
    const board = dashboard('risk.board', { reads: [spendOf(1).all()] });
    await registry.apply({ plan: planOf(scorer, board), author: 'jan' });
    const plan = (await registry.current())?.plan;
    assert.ok(plan);
    const titles = async (id: VersionId) => {
      const states = new Map((await registry.lifecycle.states()).map((s) => [titleOf(s), s.state]));
      const releases = await registry.releases.current();
      return dependentsOf(plan, releases, (title) => states.get(title) ?? null, id).map(
        ({ title }) => title,
      );
    };
    assert.deepEqual(await titles(spend(1)), [
      'service fraud.checks@1',
      'model fraud.scorer@7',
      'dashboard risk.board',
    ]);
    await registry.releases.publish({
      ...{ service: 'fraud.checks', version: 1, canaryPpm: null, liveBefore: 1, atMs: 0 },
      ...{ author: 'jan', reason: null, evidence: {} },
    });
    assert.deepEqual(await titles(checks(1)), [
      'model fraud.scorer@7',
      'the live release of fraud.checks',
    ]);
    const old: VersionId = { kind: 'model', name: 'fraud.scorer', version: 7 };
    assert.deepEqual(await titles(old), []);
    await registry.lifecycle.move(
      old,
      { event: 'deprecate', reason: 'old', untilMs: 5, successor: 8 },
      by('jan'),
    );
    const state = await registry.lifecycle.of(old);
    assert.deepEqual([state?.deprecatedUntilMs, state?.successor], [5, 8]);
    await move(registry, old, 'retire', 'jan');
    assert.deepEqual(await titles(checks(1)), ['the live release of fraud.checks']);
    await assert.rejects(move(registry, old, 'reinstate', 'jan'), refused('lifecycle_refused'));
    await assert.rejects(move(registry, spend(9), 'retire', 'jan'), refused('unknown_name'));
  },
);
