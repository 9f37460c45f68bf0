import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileProject } from './compile.ts';
import { Lineage } from './lineage.ts';
import type { ProjectPlan } from './plan.ts';
import { type PartRule, RestrictedParts } from './restricted-parts.ts';
import { lateFlight, originDelays } from './sample-project.fixture.ts';
import {
  fraud,
  merchants,
  orders,
  risk,
  shop,
  spending,
  training,
  turnover,
} from './sample-shop.fixture.ts';

const PLANS: readonly ProjectPlan[] = [
  compileProject([fraud, merchants, orders, risk, shop, spending, training, turnover]),
  compileProject([lateFlight, originDelays]),
];

const ruleOf = (definition: string, part: string, kind: PartRule['kind'] = 'column'): PartRule => ({
  ...{ kind, definition, part, label: 'pii' },
});

/** Features that a column flows into, or decides the rows of, by the lineage of the plan. */
function byLineage(plan: ProjectPlan, source: string, column: string): Set<string> {
  const lineage = Lineage.of(plan);
  const found = new Set([`column:${source}.${column}`]);
  const { edges } = lineage.downstreamOf([...found], { limit: 10_000 });
  const telling = edges.filter(({ role }) => ['value', 'filter', 'rows'].includes(role));
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { from, to } of telling) if (found.has(from)) found.add(to);
  }
  return new Set([...found].filter((id) => id.startsWith('feature:')));
}

test('what derives from a column is restricted, as the lineage of the plan has it', () => {
  let restricted = 0;
  for (const plan of PLANS) {
    for (const { name: source, columns } of plan.sources) {
      for (const { name: column } of columns) {
        const parts = new RestrictedParts(plan, [ruleOf(source, column)]);
        const expected = byLineage(plan, source, column);
        for (const view of plan.views) {
          for (const feature of view.features) {
            const id = `feature:${view.name}@${view.version}.${feature.name}`;
            const labels = parts.ofFeature(view.name, view.version, feature.name);
            assert.equal(labels.has('pii'), expected.has(id), `${source}.${column} → ${id}`);
            if (labels.size > 0) restricted += 1;
          }
        }
      }
    }
  }
  assert.ok(restricted >= 8, String(restricted));
});

test('a rule on a feature is of all its versions, and of services and datasets that show it', () => {
  const [plan] = PLANS;
  assert.ok(plan !== undefined);
  const service = plan.services.find(({ name }) => name === 'fraud');
  const used = service?.features[0];
  assert.ok(service !== undefined && used !== undefined);
  const parts = new RestrictedParts(plan, [ruleOf(used.view, used.feature, 'feature')]);
  const of = `${used.view}@${used.version}.${used.feature}`;
  assert.ok(parts.ofService(service).some((one) => one.of === of && one.label === 'pii'));
  assert.deepEqual(
    parts.ofServiceNamed('fraud', () => false),
    [],
  );
  const dataset = plan.datasets[0];
  assert.ok(dataset !== undefined);
  assert.ok(parts.ofDataset(dataset, service).length > 0);
});

test('some outputs of a service ask for what they are computed of, and for nothing else', () => {
  const [plan] = PLANS;
  const parts = new RestrictedParts(plan ?? assert.fail(), [ruleOf('orders', 'amount')]);
  const asked = (...outputs: string[]): string[] =>
    parts.ofServiceNamed('fraud', () => true, new Set(outputs)).map(({ of }) => of);
  assert.deepEqual(asked('orders_7d', 'over_limit', 'category'), []);
  assert.deepEqual(asked('spent_7d'), ['spending@1.spent_7d']);
  // On demand, of the request and of what is restricted.
  assert.deepEqual(asked('share'), ['spending@1.spent_7d']);
  assert.deepEqual(asked(), []);
});

test('raw rows ask for every label of their source, and no rule asks for nothing', () => {
  const [plan] = PLANS;
  assert.ok(plan !== undefined);
  const parts = new RestrictedParts(plan, [
    ruleOf('orders', 'amount'),
    { ...ruleOf('orders', 'user'), label: 'people' },
  ]);
  assert.deepEqual(
    parts.ofSource('orders').map(({ label, of }) => `${of} ${label}`),
    ['orders.amount pii', 'orders.user people'],
  );
  const none = new RestrictedParts(plan, []);
  assert.equal(none.isEmpty, true);
  for (const { name } of plan.sources) assert.deepEqual(none.ofSource(name), []);
});
