import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { tinyProject } from '../batch/tiny-project.fixture.ts';
import type { DatasetManifest } from '../registry/dataset-manifest.ts';
import { affectedDatasets } from './affected-datasets.ts';

const DAY_MS = 86_400_000;
const base = tinyProject();
const group = {
  ...present(base.groups[0], 'a group'),
  windows: [
    { kind: 'sliding', sizeMs: 2 * DAY_MS, hopMs: 1000, exact: false, complete: false },
  ] as const,
};
const plan = { ...base, groups: [group] };
const service = present(plan.services[0], 'a service');

/** Built at commit 10, of rows from day 5 through day 6. */
function dataset(changed: {
  readonly known?: 'serving' | 'final';
  readonly commit?: number;
  readonly of?: 'time' | 'length';
}): DatasetManifest {
  const numbers = { of: changed.of ?? 'time', min: 5 * DAY_MS, max: 7 * DAY_MS - 1 };
  const text = JSON.stringify({
    name: 'd',
    number: 3,
    service: { name: service.name, version: service.version },
    position: { commit: changed.commit ?? 10 },
    options: { known: changed.known ?? 'final' },
    spine: { timeColumn: 'at' },
    columns: [{ name: 'at', numbers }],
  });
  const manifest: DatasetManifest = JSON.parse(text);
  return manifest;
}

async function affected(
  manifest: DatasetManifest,
  day: number,
  more: object = {},
): Promise<boolean> {
  const registry = { datasets: { list: async () => [manifest] }, planWith: async () => plan };
  const range = { fromMs: day * DAY_MS, toMs: (day + 1) * DAY_MS };
  const change = { group, ...range, newestCommit: 20, oldestArrivalMs: 9 * DAY_MS, ...more };
  const names = (await affectedDatasets(registry))(change);
  assert.ok(names.length === 0 || names[0] === 'd@3');
  return names.length === 1;
}

test('a training set is affected by days in reach of its windows that came after it', async () => {
  const days: number[] = [];
  for (const day of [1, 2, 3, 4, 5, 6, 7]) {
    if (await affected(dataset({}), day)) days.push(day);
  }
  assert.deepEqual(days, [2, 3, 4, 5, 6]);
  assert.equal(await affected(dataset({ commit: 20 }), 5), false, 'it has them already');
  assert.equal(await affected(dataset({ of: 'length' }), 1), true, 'nothing is known of its times');
  const other = { ...group, filter: { kind: 'literal', value: true } };
  assert.equal(await affected(dataset({}), 5, { group: other }), false, 'it reads other events');
  const wider = { ...group, id: 'of another plan', windows: [] };
  assert.equal(await affected(dataset({}), 5, { group: wider }), true, 'it reads the same events');
});

test('what serving could not have known does not change what it knew', async () => {
  const serving = dataset({ known: 'serving' });
  assert.equal(await affected(serving, 5), false);
  assert.equal(await affected(serving, 5, { oldestArrivalMs: 6 * DAY_MS }), true);
});
