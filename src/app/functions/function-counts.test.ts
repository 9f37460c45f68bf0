import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { PlatformFunctions } from './platform-functions.ts';
import { functionOf } from './sandbox.fixture.ts';

test('a function that several versions of a service have is counted once', (t) => {
  const functions = new PlatformFunctions(silentLogger);
  t.after(() => functions.close());
  const plan = functionOf('({ x }) => ({ y: x })');
  const services = ['checks', 'checks', 'offers'].map((name, at) => ({
    ...{ name, version: at + 1, functions: [plan] },
  }));
  functions.use({ services } as unknown as ProjectPlan);
  const told = functions.status().functions?.functions.map(({ service }) => service);
  assert.deepEqual(told, ['checks', 'offers']);
});
