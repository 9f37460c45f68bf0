import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_QUOTA } from '../../serve/admission/quota.ts';
import { readCost } from '../cost/cost-config.ts';
import { partOf, readServing } from './serving-config.ts';

test('quotas are by namespace, and each wrong setting is named', () => {
  const given = { quotas: { fraud: { requests: 100, weight: 3 }, '*': { cpuMs: 50 } } };
  const { serving, issues } = readServing(given);
  assert.deepEqual(issues, []);
  assert.deepEqual(serving.quotas, {
    fraud: { ...NO_QUOTA, requests: 100, weight: 3 },
    '*': { ...NO_QUOTA, cpuMs: 50 },
  });
  assert.deepEqual(partOf(serving, 4).quotas.fraud, { ...NO_QUOTA, requests: 25, weight: 3 });
  const cases: readonly (readonly [unknown, string])[] = [
    [[], 'serving'],
    [{ quota: {} }, 'serving.quota'],
    [{ quotas: [] }, 'serving.quotas'],
    [{ quotas: { 'Fraud Team': {} } }, 'serving.quotas.Fraud Team'],
    [{ quotas: { fraud: 5 } }, 'serving.quotas.fraud'],
    [{ quotas: { fraud: { rps: 5 } } }, 'serving.quotas.fraud.rps'],
    [{ quotas: { fraud: { rows: 0 } } }, 'serving.quotas.fraud.rows'],
    [{ quotas: { fraud: { weight: '2' } } }, 'serving.quotas.fraud.weight'],
    [{ quotas: { fraud: { burstSeconds: 61 } } }, 'serving.quotas.fraud.burstSeconds'],
  ];
  for (const [value, path] of cases) {
    assert.deepEqual(
      readServing(value).issues.map((one) => [one.code, one.path]),
      [['invalid_config', path]],
    );
  }
});

test('prices are by place, and each wrong one is named', () => {
  const { cost, issues } = readCost({ currency: 'CHF', perGiBMonth: { memory: 4, store: 0 } });
  assert.deepEqual(issues, []);
  const perGiBMonth = { memory: 4, disk: null, store: 0, offline: null };
  assert.deepEqual(cost, { currency: 'CHF', perGiBMonth });
  const cases: readonly (readonly [unknown, string])[] = [
    [5, 'cost'],
    [{ currency: 'francs' }, 'cost.currency'],
    [{ perGiB: {} }, 'cost.perGiB'],
    [{ perGiBMonth: { tape: 1 } }, 'cost.perGiBMonth.tape'],
    [{ perGiBMonth: { disk: -1 } }, 'cost.perGiBMonth.disk'],
  ];
  for (const [value, path] of cases) {
    assert.deepEqual(
      readCost(value).issues.map((one) => [one.code, one.path]),
      [['invalid_config', path]],
    );
  }
});
