import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { count } from '../define/aggregate.ts';
import { string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from '../plan/compile.ts';
import { chargedTo } from './backfill-targets.ts';

const planIn = (prefix: string) => {
  const columns = { id: string(), card: string(), at: timestamp() };
  const uses = stream(`${prefix}uses`, { columns, eventTime: 'at', id: 'id' });
  const card = entity(`${prefix}card`, { keys: { card: string() } });
  const use = view(`${prefix}use`, {
    ...{ version: 1, source: uses, entity: card, key: { card: 'card' as const }, owner: 'risk' },
    features: () => ({ n: count().over(sliding('1h')) }),
  });
  const plan = compileProject([uses, card, use]);
  return { plan, group: present(plan.groups[0], 'the group of the view') };
};

test('a group is charged to its namespace where that has a quota, else to its owner', () => {
  const fraud = planIn('fraud.');
  const plain = planIn('');
  const quotas = { 'fraud.*': { bytes: 1 }, risk: { bytes: 2 } };
  assert.equal(chargedTo(quotas, fraud.plan, fraud.group), 'fraud.*');
  assert.equal(chargedTo(quotas, plain.plan, plain.group), 'risk');
  assert.equal(chargedTo({ 'default.*': {} }, plain.plan, plain.group), 'default.*');
  assert.equal(chargedTo({}, fraud.plan, fraud.group), 'risk');
});
