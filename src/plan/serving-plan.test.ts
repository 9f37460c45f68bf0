import assert from 'node:assert/strict';
import { test } from 'node:test';
import { service } from '../define/service.ts';
import { compileProject } from './compile.ts';
import { diffPlans } from './diff.ts';
import type { ServicePlan } from './plan.ts';
import { fraud, issuesOf, spending } from './sample-shop.fixture.ts';

/** Options that no type would let through. */
function loose(serving: unknown): unknown {
  const options = { version: 1, features: [spending.all()], serving };
  return service('s', options as unknown as Parameters<typeof service>[1]);
}

function planOf(serving: unknown): ServicePlan {
  const [found] = compileProject([loose(serving)]).services;
  assert.ok(found);
  return found;
}

test('how a service is answered is in its plan, and no part of its hash', () => {
  const bare = planOf(undefined);
  assert.ok(!('serving' in bare), 'plans of before it stay as they were');
  const { serving, hash } = planOf({
    ...{ timeout: '50ms', required: ['spent_7d', 'spent_7d'], accept: ['stale', 'expired'] },
    onFailure: { lastKnown: '5m' },
  });
  assert.deepEqual(serving, {
    timeoutMs: 50,
    required: ['spent_7d'],
    accept: ['expired', 'stale'],
    onFailure: { kind: 'last_known', withinMs: 300_000 },
  });
  assert.equal(hash, bare.hash);
  assert.deepEqual(planOf({}).serving, {
    ...{ timeoutMs: null, required: [], accept: ['default', 'stale'] },
    onFailure: { kind: 'default' },
  });
  assert.deepEqual(planOf({ accept: [] }).serving?.accept, []);
});

test('on-demand features and aliases are required by the names that are answered', () => {
  const [plan] = compileProject([
    service('s', {
      version: 1,
      features: [spending.pick({ recent: 'spent_7d' })],
      onDemand: ({ feature }) => ({ double: feature.recent.mul(2) }),
      serving: { required: ['recent', 'double'], onFailure: 'skip' },
    }),
  ]).services;
  assert.deepEqual(plan?.serving?.required, ['double', 'recent']);
  assert.deepEqual(plan?.serving?.onFailure, { kind: 'skip' });
});

test('what cannot be is told with its place and the nearest name', () => {
  const issues = issuesOf([
    loose({
      ...{ timeout: '2h', required: ['spent_7'], accept: ['present'], retries: 3 },
      onFailure: 'skipp',
    }),
  ]);
  const told = issues.map(({ path, code, message }) => `${path}: ${code}: ${message}`);
  assert.deepEqual(told.sort(), [
    "services.s.serving.accept.present: invalid_definition: 'present' cannot be accepted of a required feature.",
    "services.s.serving.onFailure: invalid_definition: 'skipp' is nothing that can be done. Did you mean 'skip'?",
    "services.s.serving.required.spent_7: unknown_feature: The service has no feature 'spent_7'. Did you mean 'spent_7d'?",
    "services.s.serving.retries: invalid_definition: There is no option 'retries'. Known: 'timeout', 'required', 'accept', 'onFailure'.",
    "services.s.serving.timeout: invalid_definition: '2h' is longer than may be.",
  ]);
  const places = (serving: unknown) => issuesOf([loose(serving)]).map(({ path }) => path);
  assert.deepEqual(places({ timeout: 50 }), ['services.s.serving.timeout']);
  assert.deepEqual(places({ onFailure: { lastKnown: '8d' } }), [
    'services.s.serving.onFailure.lastKnown',
  ]);
  assert.deepEqual(places('fast'), ['services.s.serving.fast']);
});

test('a change of it is metadata, and is shown', () => {
  const before = compileProject([fraud, loose({ timeout: '50ms' })]);
  const after = compileProject([fraud, loose({ required: ['spent_7d'], onFailure: 'skip' })]);
  const [change, ...others] = diffPlans(before, after).changes;
  assert.equal(others.length, 0);
  assert.equal(change?.change, 'metadata');
  assert.deepEqual(change?.sentences, [
    'serving timeout removed: 50ms',
    'required features added: spent_7d (also as default, stale)',
    'on store failure added: skip',
  ]);
});
