import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { AsofError } from '../base/errors.ts';
import { count } from '../define/aggregate.ts';
import { string, timestamp } from '../define/column.ts';
import { dashboard } from '../define/dashboard.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from '../plan/compile.ts';
import type { Grant } from '../registry/access/principal.ts';
import { Viewer } from '../registry/access/viewer.ts';
import type { VersionId } from '../registry/lifecycle.ts';
import { Registry } from '../registry/registry.ts';
import { listAudit } from './audit/read-audit.ts';
import {
  changeLifecycle,
  type LifecycleRequest,
  listLifecycle,
  setNamespace,
  showLifecycle,
  waitingVersions,
} from './lifecycle.ts';

const payments = stream('fraud.payments', {
  columns: { user: string(), at: timestamp() },
  eventTime: 'at',
});
const spend = view('fraud.spend', {
  version: 1,
  source: payments,
  entity: entity('fraud.user', { keys: { user: string() } }),
  key: { user: 'user' },
  features: () => ({ n: count().over(sliding('1h')) }),
});
const checks = service('fraud.checks', { version: 1, features: [spend.all()] });
const board = dashboard('risk.board', { reads: [spend.all()] });
const SPEND: VersionId = { kind: 'view', name: 'fraud.spend', version: 1 };

const viewer = (name: string, ...grants: Grant[]) =>
  new Viewer({ id: `key:${name}`, kind: 'key', grants, labels: [] });
const of = (namespace: string, role: Grant['role']): Grant => ({ namespace, role });

const root = viewer('root', of('*', 'admin'));
const jan = viewer('jan', of('fraud', 'editor'));
const ann = viewer('ann', of('fraud', 'approver'));
const eve = viewer('eve', of('risk', 'admin'));

async function applied(t: TestContext): Promise<Registry> {
  const registry = await Registry.open({ kind: 'sqlite', path: ':memory:' }, new ManualClock(1));
  t.after(() => registry.close());
  const policy = { requires: 'all' } as const;
  await setNamespace(registry, root, 'fraud', policy, by(root));
  const plan = compileProject([checks, board]);
  await registry.apply({ plan, author: jan.principal.id });
  return registry;
}

const by = (who: Viewer) => ({ actor: who.principal.id, nowMs: 5 });

const change = (registry: Registry, who: Viewer, event: LifecycleRequest['event'], id = SPEND) =>
  changeLifecycle(
    registry,
    who,
    event === 'approve'
      ? { ...id, event, reason: null, digest: null }
      : { ...id, event, reason: null },
    by(who),
  );

async function answerOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    return error instanceof AsofError ? `${error.code}: ${error.message}` : String(error);
  }
}

test('who may do what: editors submit, approvers approve, others know of nothing', async (t) => {
  const registry = await applied(t);
  assert.equal(await answerOf(change(registry, jan, 'submit')), 'done');
  assert.match(await answerOf(change(registry, jan, 'approve')), /^forbidden: .*role approver/);
  const known = await answerOf(change(registry, eve, 'approve'));
  const unknown = { ...SPEND, name: 'fraud.other' };
  const same = await answerOf(change(registry, eve, 'approve', unknown));
  assert.equal(known.replaceAll('fraud.spend', 'fraud.other'), same);
  assert.match(same, /^unknown_name: There is no view fraud.other@1/);
  assert.deepEqual(await listLifecycle(registry, eve), []);
  assert.deepEqual(await waitingVersions(registry, eve), []);
  assert.match(await answerOf(showLifecycle(registry, eve, SPEND)), /^unknown_name/);
  assert.match(
    await answerOf(setNamespace(registry, jan, 'fraud', { approvals: 1 }, by(jan))),
    /^forbidden/,
  );
  assert.equal(await answerOf(change(registry, ann, 'approve')), 'done');
  assert.equal((await showLifecycle(registry, jan, SPEND)).state.state, 'active');
});

test('what keeps a version is named, as far as whoever asks may know of it', async (t) => {
  const registry = await applied(t);
  for (const id of [SPEND, { ...SPEND, kind: 'service', name: 'fraud.checks' } as const]) {
    await change(registry, jan, 'submit', id);
    await change(registry, ann, 'approve', id);
  }
  assert.equal(
    await answerOf(change(registry, jan, 'retire')),
    'still_used: view fraud.spend@1 is still named by service fraud.checks@1, ' +
      '1 of namespaces that you may not read.',
  );
  assert.match(await answerOf(change(registry, root, 'retire')), /dashboard risk.board/);
});

test('the audit is read by admins, each of their namespaces', async (t) => {
  const registry = await applied(t);
  const titles = async (who: Viewer, more = {}) =>
    (await listAudit(registry, who, { limit: 10, ...more })).map(
      ({ namespace, action }) => `${namespace} ${action}`,
    );
  const all = ['risk definitions.apply', 'fraud definitions.apply', 'fraud namespace.set'];
  assert.deepEqual((await titles(root)).sort(), all.sort());
  assert.deepEqual(await titles(eve), ['risk definitions.apply']);
  assert.match(await answerOf(titles(jan)), /^forbidden/);
  assert.deepEqual(await titles(eve, { namespace: 'fraud' }), [], 'as of what does not exist');
});
