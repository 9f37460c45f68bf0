import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { compileProject } from '../plan/compile.ts';
import { fraud, looseDataset } from '../plan/sample-shop.fixture.ts';
import { Registry } from './registry.ts';

const planWith = (change: object) => compileProject([looseDataset(change)]);

test('a dataset means one thing for ever under its name and version, even after it was removed', async () => {
  const author = 'test';
  const registry = await Registry.open({ kind: 'sqlite', path: ':memory:' }, new ManualClock(1));
  await registry.apply({ plan: planWith({}), author });
  const again = await registry.apply({ plan: planWith({ owner: 'risk' }), author });
  assert.equal(again.diff.metadata, 1);
  const other = planWith({ known: 'final' });
  assert.deepEqual(
    (await registry.conflicts(other)).map(({ code, path }) => `${code} ${path}`),
    ['version_conflict datasets.training'],
  );
  await assert.rejects(registry.apply({ plan: other, author }), { code: 'version_conflict' });
  await registry.apply({ plan: compileProject([fraud]), author });
  await assert.rejects(registry.apply({ plan: other, author }), { code: 'version_conflict' });
  await registry.apply({ plan: planWith({ known: 'final', version: 2 }), author });
  assert.deepEqual(
    (await registry.current())?.plan.datasets.map(({ version, known }) => [version, known]),
    [[2, 'final']],
  );
});
