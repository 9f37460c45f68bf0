import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROLES } from './access/principal.ts';
import {
  CAUSED_BY,
  firstState,
  isServed,
  LIFECYCLE_EVENTS,
  LIFECYCLE_STATES,
  type LifecycleEvent,
  type LifecycleState,
  TRANSITIONS,
} from './lifecycle.ts';

/** The whole table, written once more: what is not named here is refused. */
const ALLOWED: Readonly<Record<string, LifecycleState>> = {
  'draft change': 'draft',
  'draft submit': 'in_review',
  'draft withdraw': 'retired',
  'in_review change': 'draft',
  'in_review approve': 'in_review',
  'in_review pass': 'active',
  'in_review reject': 'draft',
  'in_review withdraw': 'retired',
  'active change': 'active',
  'active deprecate': 'deprecated',
  'active retire': 'retired',
  'deprecated change': 'deprecated',
  'deprecated deprecate': 'deprecated',
  'deprecated reinstate': 'active',
  'deprecated retire': 'retired',
};

const next = (state: LifecycleState, event: LifecycleEvent): LifecycleState | null => {
  const transition = TRANSITIONS[state][event];
  return 'to' in transition ? transition.to : null;
};

test('every state answers every event, with a state or with a sentence', () => {
  for (const state of LIFECYCLE_STATES) {
    assert.deepEqual(Object.keys(TRANSITIONS[state]).sort(), [...LIFECYCLE_EVENTS].sort());
    for (const event of LIFECYCLE_EVENTS) {
      const transition = TRANSITIONS[state][event];
      const expected = ALLOWED[`${state} ${event}`] ?? null;
      assert.equal(next(state, event), expected, `${state} ${event}`);
      if ('refusal' in transition) assert.match(transition.refusal, /^it (is|was) [a-z]/);
    }
  }
});

test('nothing is served but by approval, and nothing leaves retirement', () => {
  for (const event of LIFECYCLE_EVENTS) {
    assert.equal(next('retired', event), null);
    for (const state of LIFECYCLE_STATES) {
      const target = next(state, event);
      if (target === null || isServed(state) || !isServed(target)) continue;
      assert.deepEqual([state, event, target], ['in_review', 'pass', 'active']);
    }
  }
  assert.equal(firstState(true), 'draft');
  assert.equal(isServed(firstState(true)), false);
  assert.equal(firstState(false), 'active');
});

test('every state is reached from the first, and every served one can be left', () => {
  const reached = new Set<LifecycleState>(['draft']);
  for (let round = 0; round < LIFECYCLE_STATES.length; round += 1) {
    for (const state of [...reached]) {
      for (const event of LIFECYCLE_EVENTS) {
        const target = next(state, event);
        if (target !== null) reached.add(target);
      }
    }
  }
  assert.deepEqual([...reached].sort(), [...LIFECYCLE_STATES].sort());
});

test('every event has a cause: a role, or the registry itself', () => {
  for (const event of LIFECYCLE_EVENTS) {
    assert.ok(['registry', ...ROLES].includes(CAUSED_BY[event]), event);
  }
  assert.equal(CAUSED_BY.approve, 'approver');
  assert.equal(CAUSED_BY.pass, 'registry');
});
