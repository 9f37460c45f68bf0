import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { count, sum } from '../define/aggregate.ts';
import { float64, int64, string, timestamp } from '../define/column.ts';
import { dataset } from '../define/dataset.ts';
import { entity } from '../define/entity.ts';
import { service } from '../define/service.ts';
import { spineEvents } from '../define/spine.ts';
import { stream } from '../define/stream.ts';
import { view } from '../define/view.ts';
import { sliding } from '../define/window.ts';
import { compileProject } from './compile.ts';
import { type DefinitionChange, diffPlans } from './diff.ts';
import { Impacts } from './impact.ts';

interface Shape {
  /** What the column is called that was `amount` first. */
  readonly amount: 'amount' | 'price' | 'cents';
  readonly widened?: true;
  readonly filtered?: true;
  readonly version?: number;
}

const RENAMES = { amount: 0, price: 1, cents: 2 } as const;

/** As it is without any rename, which is its type whatever the column is called. */
const FIRST = stream('payments', {
  columns: { user: string(), amount: int64(), at: timestamp() },
  eventTime: 'at',
});

function project({ amount, widened, filtered, version = 1 }: Shape) {
  const renames = [{ rename: { amount: 'price' } }, { rename: { price: 'cents' } }];
  const widening = widened === true ? [{ widen: { [amount]: int64() } }] : [];
  const steps = [...renames.slice(0, RENAMES[amount]), ...widening];
  const type = widened === true ? float64({ scale: 0 }) : int64();
  const declared: object = {
    columns: { user: string(), at: timestamp(), [amount]: type },
    eventTime: 'at',
    evolution: steps.map((step, at) => ({ version: at + 2, ...step })),
  };
  const renamed: unknown = stream('payments', declared as Parameters<typeof stream>[1]);
  const payments = renamed as typeof FIRST;
  const called = <C>(row: { readonly amount: C }): C => Reflect.get(row, amount);
  const spend = view('spend', {
    version,
    source: payments,
    entity: entity('user', { keys: { user: string() } }),
    key: { user: 'user' },
    filter: (row) => called(row).gt(filtered === true ? 0 : 9),
    features: (row) => ({
      spent: sum(called(row)).over(sliding('1h')),
      times: count().over(sliding('1h')),
    }),
  });
  const checks = service('checks', { version: 1, features: [spend.all()] });
  const kept = amount as 'amount';
  const spine = spineEvents(payments, { columns: { user: 'user', kept } });
  return compileProject([checks, dataset('rows', { version, service: checks, spine })]);
}

function changeOf(before: Shape, after: Shape, kind: DefinitionChange['kind']): DefinitionChange {
  const { changes } = diffPlans(project(before), project(after));
  const found = changes.find((one) => one.kind === kind && one.change !== 'removed');
  assert.ok(found, `a ${kind} changed`);
  return found;
}

describe('a column that was renamed', () => {
  it('touches whoever reads it, also when it is renamed or widened again', () => {
    for (const [before, after] of [
      [{ amount: 'amount' }, { amount: 'price' }],
      [{ amount: 'price' }, { amount: 'cents' }],
      [{ amount: 'price' }, { amount: 'price', widened: true }],
    ] as const) {
      const change = changeOf(before, after, 'source');
      const { touches } = new Impacts(project(before), project(after)).of(change);
      assert.ok(touches.features.includes('spend@1.spent'));
      assert.deepEqual(touches.services, ['checks@1']);
    }
  });

  it('is told under the name that it has now', () => {
    const again = changeOf({ amount: 'price' }, { amount: 'cents' }, 'source');
    assert.deepEqual(again.sentences, ['column price renamed to cents']);
    const wider = changeOf({ amount: 'price' }, { amount: 'price', widened: true }, 'source');
    assert.deepEqual(wider.sentences, ['column price: int64 → float64 scale 0']);
    const filtered = { amount: 'cents', filtered: true, version: 2 } as const;
    const view = changeOf({ amount: 'price' }, filtered, 'view');
    assert.deepEqual(view.sentences, ['since @1: filter: cents > 9 → cents > 0']);
    const dataset = changeOf({ amount: 'price' }, filtered, 'dataset');
    assert.ok(!dataset.sentences.some((sentence) => /amount|price from/.test(sentence)));
    const first = diffPlans(null, project({ amount: 'cents' }));
    const told = first.changes.flatMap(({ sentences }) => sentences).join('\n');
    assert.match(told, /sum\(cents\)/);
    assert.match(told, /kept from cents/);
    assert.doesNotMatch(told, /amount/);
  });
});
