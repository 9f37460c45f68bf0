import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsofError, type Issue } from '../base/errors.ts';
import { count, sum } from '../define/aggregate.ts';
import { int64, string, timestamp } from '../define/column.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { lifetime } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { groupId } from './hash.ts';

function issuesOf(definitions: readonly unknown[]): readonly Issue[] {
  try {
    compileProject(definitions);
  } catch (error) {
    assert.ok(error instanceof AsofError);
    return error.issues;
  }
  return [];
}

function spendOf(name: string) {
  const payments = stream('shop.payments', {
    columns: { user: string(), amount: int64(), at: timestamp() },
    eventTime: 'at',
  });
  const user = entity('shop.user', { keys: { user: string() } });
  return view(name, {
    version: 1,
    source: payments,
    entity: user,
    key: { user: 'user' },
    features: (payment) => ({
      spent: sum(payment.amount).over(lifetime()),
      payments: count().over(lifetime()),
    }),
  });
}

test('definitions of three namespaces over one source share tiles within each only', () => {
  const plan = compileProject([
    spendOf('spend'),
    spendOf('more'),
    spendOf('fraud.spend'),
    spendOf('fraud.more'),
    spendOf('ads.spend'),
    service('fraud.checks', { version: 1, features: [spendOf('fraud.spend').all()] }),
  ]);
  assert.deepEqual(
    plan.sources.map(({ name }) => name),
    ['shop.payments'],
  );
  const namespaces = plan.groups.map(({ namespace }) => namespace ?? 'none');
  assert.deepEqual(namespaces.sort(), ['ads', 'fraud', 'none']);
  const groupsOf = (name: string): string[] =>
    plan.views
      .filter((one) => one.name === name)
      .flatMap(({ features }) => features)
      .flatMap((feature) => (feature.kind === 'aggregate' ? [feature.group] : []));
  assert.deepEqual(groupsOf('fraud.spend'), groupsOf('fraud.more'));
  assert.notDeepEqual(groupsOf('fraud.spend'), groupsOf('spend'));
  const [plain] = plan.groups.filter(({ namespace }) => namespace === undefined);
  const [fraud] = plan.groups.filter(({ namespace }) => namespace === 'fraud');
  assert.ok(plain !== undefined && fraud !== undefined);
  const { namespace: _, ...rest } = fraud;
  assert.equal(plain.id, groupId(rest), 'no other field differs');
});

test('names that are no names are told with one that would be', () => {
  const named = (name: string): string[] =>
    issuesOf([spendOf(name)]).map(({ message, remedy }) => `${message} ${remedy}`);
  assert.match(named('a.b.c').join(), /'a\.b\.c' cannot be the name of a view\. .* one namespace/);
  assert.match(named('Fraud.Spend').join(), /: 'fraud\.spend'\./);
  assert.match(named('../spend').join(), /cannot be the name of a view/);
  assert.match(named('fraud.').join(), /cannot be the name of a view/);
  assert.match(named('default.spend').join(), /names the namespace .* Write 'spend'/);
  assert.deepEqual(named('fraud.spend'), []);
  assert.deepEqual(named(`${'a'.repeat(128)}.${'b'.repeat(128)}`), []);
  assert.match(named(`${'a'.repeat(129)}.b`).join(), /cannot be the name/);
});

test('parts of definitions stand in no namespace', () => {
  const dotted = stream('payments', {
    columns: { user: string(), 'shop.amount': int64(), at: timestamp() },
    eventTime: 'at',
  });
  const [first] = issuesOf([dotted]);
  assert.equal(first?.code, 'invalid_name');
  assert.match(first?.message ?? '', /name of a column: only definitions stand in a namespace/);
});
