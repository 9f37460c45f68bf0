import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { OfflineCatalog } from '../../src/store/offline-catalog.ts';
import { AccessWorld, type Who } from './world.ts';

/** Records of days that were final, as `asof reconcile` writes them. */
function addRecords(world: AccessWorld, groups: readonly [group: string, source: string][]): void {
  const catalog = OfflineCatalog.open(join(world.project.folder, '.asof'), systemClock);
  try {
    const about = { run: 'b-1', afterCommit: 0, throughCommit: 1, tiles: 0, keys: 0 };
    const none = { partition: '2026-01-01', path: null, rows: 0, bytes: 0, checksum: null };
    const run = catalog.runs.begin('reconcile', 'tiles').number;
    for (const [group, source] of groups) {
      const details = { ...about, group, source, datasets: [] };
      catalog.audits.add(run, `tiles/${group}`, { ...none, details });
    }
    for (const name of ['hush.cities', 'shop.cities']) {
      const details = { ...about, table: name, accepted: true, reason: 'meant', findings: [] };
      catalog.audits.add(run, `table/${name}`, { ...none, details });
    }
  } finally {
    catalog.close();
  }
}

test('options of a command reach no further than the names beside them', async (t) => {
  const world = await AccessWorld.create(t);
  const code = async (who: Who, line: readonly string[]): Promise<string | undefined> =>
    (await world.as(who, line)).result.error?.code;
  for (const [who, line] of [
    ['shop_admin', ['materialize', 'shop.orders', '--all']],
    ['shop_admin', ['forget', '--entity', 'shop.buyer=a', '--list']],
    ['shop_admin', ['forget', '--entity', 'shop.buyer=a', '--resume']],
    ['shop_admin', ['forget', '--entity', 'shop.buyer=a', '--show', 'f-1']],
  ] as const) {
    assert.equal(await code(who, line), 'forbidden', line.join(' '));
  }

  const plan = await world.as('admin', ['backfill', '--all', '--dry-run']);
  const ofSource = (source: string): string => {
    const groups: { group: string; source: string }[] = plan.result.groups;
    return groups.find((one) => one.source === source)?.group ?? assert.fail(source);
  };
  addRecords(world, [
    [ofSource('hush.payments'), 'hush.payments'],
    [ofSource('shop.orders'), 'shop.orders'],
    ['0'.repeat(64), 'shop.orders'],
  ]);
  const listed = async (who: Who, view: string): Promise<number[]> => {
    const { result } = await world.as(who, ['reconcile', view, '--list']);
    return result.audits.map(({ number }: { number: number }) => number);
  };
  assert.deepEqual(await listed('admin', 'shop.buys'), [5, 4, 3, 2, 1]);
  assert.deepEqual(await listed('shop_admin', 'shop.buys'), [5, 2]);
  assert.deepEqual(await listed('hush_admin', 'hush.use'), [4, 1]);
  const shown = async (who: Who, view: string, number: string) => {
    const { result } = await world.as(who, ['reconcile', view, '--show', number]);
    return result.error?.code ?? result.number;
  };
  assert.equal(await shown('shop_admin', 'shop.buys', '2'), 2);
  for (const number of ['1', '3', '4', '99']) {
    assert.equal(await shown('shop_admin', 'shop.buys', number), 'unknown_name', number);
  }
  // Tiles of a source with a restricted column hold what was measured of it.
  assert.equal(await shown('hush_admin', 'hush.use', '1'), 'forbidden');
  await world.as('admin', ['access', 'identity', 'labels', 'hush_admin', 'money']);
  assert.equal(await shown('hush_admin', 'hush.use', '1'), 1);
});

test('a validation shows values of restricted features to those with the label alone', async (t) => {
  const world = await AccessWorld.create(t);
  const validated = async () => (await world.as('hush_admin', ['validate', 'hush.use@1'])).result;
  const { error } = await validated();
  assert.equal(error?.code, 'forbidden');
  assert.match(error.message, /hush\.use@1\.spent \('money'\)/);
  await world.as('admin', ['access', 'identity', 'labels', 'hush_admin', 'money']);
  assert.equal((await validated()).view, 'hush.use@1');
  const { result } = await world.as('admin', ['audit', 'list', '--action', 'restricted.read']);
  const outcomes = result.entries.map(({ actor, outcome }: Record<string, string>) => [
    actor,
    outcome,
  ]);
  assert.deepEqual(outcomes, [
    ['key:hush_admin', 'done'],
    ['key:hush_admin', 'denied'],
  ]);
});

test('a run of forgetting of another team is as one that never was', async (t) => {
  const world = await AccessWorld.create(t);
  const gone = await world.as('admin', ['forget', '--entity', 'hush.card=a', '--grace', '1ms']);
  assert.equal(gone.code, 0, gone.stdout + gone.stderr);
  const { id } = gone.result;
  const verified = async (who: Who, run: string, whom: string) =>
    (await world.as(who, ['forget', '--verify', run, '--entity', whom])).result;
  assert.deepEqual((await verified('hush_admin', id, 'hush.card=a')).scan.hits, []);
  const [other, absent] = [
    await verified('shop_admin', id, 'shop.buyer=a'),
    await verified('shop_admin', 'f-0', 'shop.buyer=a'),
  ];
  assert.equal(absent.error.code, 'unknown_name');
  assert.deepEqual(JSON.parse(JSON.stringify(other).replaceAll(id, 'f-0')), absent);
});
