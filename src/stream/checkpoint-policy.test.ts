import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointPolicy } from './checkpoint-policy.ts';

const policy = checkpointPolicy({ events: 100, rows: 10, afterMs: 1000 });
const facts = {
  running: false,
  eventsSince: 1,
  changedRows: 1,
  sinceMs: 1,
  isOverBudget: false,
  hotRows: 8,
};

test('the policy decides by events, rows and time, and never twice at once', () => {
  assert.deepEqual(policy(facts), { kind: 'wait' });
  assert.deepEqual(policy({ ...facts, eventsSince: 100 }), {
    kind: 'checkpoint',
    because: 'events',
  });
  assert.deepEqual(policy({ ...facts, changedRows: 10 }), { kind: 'checkpoint', because: 'rows' });
  assert.deepEqual(policy({ ...facts, sinceMs: 1000 }), { kind: 'checkpoint', because: 'time' });
  const over = { ...facts, isOverBudget: true };
  assert.deepEqual(policy(over), { kind: 'wait' });
  assert.deepEqual(policy({ ...over, changedRows: 2 }), { kind: 'checkpoint', because: 'budget' });
  assert.deepEqual(policy({ ...facts, running: true, eventsSince: 1000 }), { kind: 'busy' });
  const idle = { eventsSince: 0, sinceMs: 9999 };
  assert.deepEqual(policy({ ...facts, ...idle }), { kind: 'wait' });
  // What was just built may fill the memory, so that no event comes before it is saved.
  assert.deepEqual(policy({ ...over, ...idle }), { kind: 'checkpoint', because: 'budget' });
  assert.deepEqual(policy({ ...over, ...idle, changedRows: 0 }), { kind: 'wait' });
});
