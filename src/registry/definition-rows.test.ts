import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../base/clock.ts';
import { compileProject } from '../plan/compile.ts';
import { fraud, looseDataset } from '../plan/sample-shop.fixture.ts';
import { Registry } from './registry.ts';

const planWith = (change: object) => compileProject([looseDataset(change)]);

test('a dataset means one thing for ever under its name and version, even after it was removed', () => {
  const registry = Registry.open(':memory:', new ManualClock(1));
  registry.apply(planWith({}), 'test');
  assert.equal(registry.apply(planWith({ owner: 'risk' }), 'test').diff.metadata, 1);
  const other = planWith({ known: 'final' });
  assert.deepEqual(
    registry.conflicts(other).map(({ code, path }) => `${code} ${path}`),
    ['version_conflict datasets.training'],
  );
  assert.throws(() => registry.apply(other, 'test'), { code: 'version_conflict' });
  registry.apply(compileProject([fraud]), 'test');
  assert.throws(() => registry.apply(other, 'test'), { code: 'version_conflict' });
  registry.apply(planWith({ known: 'final', version: 2 }), 'test');
  assert.deepEqual(
    registry.current()?.plan.datasets.map(({ version, known }) => [version, known]),
    [[2, 'final']],
  );
});
