import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import type { ProjectPlan } from '../../plan/plan.ts';
import { PlatformFunctions } from './platform-functions.ts';
import { functionOf, PATIENCE_MS } from './sandbox.fixture.ts';

/** It is cut off after its CPU time, however slow the machine is. */
const LOOP = '() => { for (;;); }';

test('CPU time of functions is charged to the namespaces that have them, once', async (t) => {
  const functions = new PlatformFunctions(silentLogger);
  t.after(() => functions.close());
  const plan = functionOf(LOOP, { timeoutMs: 30 });
  const services = ['fraud.checks', 'fraud.more', 'ads.offers'].map((name) => ({
    ...{ name, functions: [plan] },
  }));
  functions.use({ services } as unknown as ProjectPlan);
  const charged = new Map<string, number>();
  functions.charge = (namespace, cpuMs) => {
    charged.set(namespace, (charged.get(namespace) ?? 0) + cpuMs);
  };
  const [end] = await functions.sandbox.run(plan, [[1]], PATIENCE_MS);
  assert.equal(end?.kind, 'timeout');
  assert.deepEqual([...charged.keys()].sort(), ['ads', 'fraud']);
  const [ads = 0, fraud = 0] = [charged.get('ads'), charged.get('fraud')];
  assert.ok(Math.abs(ads - fraud) < 1e-6, `${ads} and ${fraud}`);
  assert.ok(ads + fraud >= plan.timeoutMs, `${ads + fraud} ms are charged`);
});
