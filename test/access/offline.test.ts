import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AccessWorld } from './world.ts';

test('training, datasets and verification show what may be read, and nothing else', async (t) => {
  const world = await AccessWorld.create(t);
  for (const [who, namespace] of [
    ['hush_reader', 'hush'],
    ['shop_reader', 'shop'],
  ] as const) {
    await world.as('admin', ['access', 'grant', who, 'editor', namespace]);
  }
  const atMs = Date.now() - 60_000;
  const rows = ['a', 'a', 'b'].map((card, i) =>
    JSON.stringify({ payment: `p${i}`, card, amount: 40 + i, at: atMs }),
  );
  world.project.write('events.ndjson', `${rows.join('\n')}\n`);
  const url = await world.serve();
  const pushed = await world.as('admin', ['push', 'hush.payments', 'events.ndjson', '--url', url]);
  assert.equal(pushed.result.accepted, 3);
  await world.as('admin', ['get', 'hush.checks', 'card=a', '--url', url]);
  const time = new Date(Date.now() + 1_000).toISOString();
  world.project.write('spine.csv', `card,event_time\na,${time}\n`);
  world.project.write('buyers.csv', `buyer,event_time\na,${time}\n`);
  let files = 0;
  const train = async (who: 'admin' | 'hush_reader' | 'shop_reader', ...more: string[]) => {
    files += 1;
    const out = `out${files}.csv`;
    const { code, result } = await world.as(who, ['train', ...more, '--out', out]);
    const written = existsSync(join(world.project.folder, out));
    return { code, error: result.error?.code, message: result.error?.message ?? '', written };
  };
  const spine = ['--spine', 'spine.csv'];
  const free = await train('hush_reader', '--service', 'hush.checks', ...spine);
  assert.equal(free.code, 0, free.message);
  const held = await train('hush_reader', '--service', 'hush.sums', ...spine);
  assert.deepEqual([held.error, held.written], ['forbidden', false]);
  assert.match(held.message, /hush\.use@1\.spent \('money'\)/);

  // By a spine of the restricted source itself, and of one that may not be read at all.
  const sql = `SELECT card, at AS event_time, amount FROM "hush.payments"`;
  const bySql = await train('hush_reader', '--service', 'hush.checks', '--spine-query', sql);
  assert.deepEqual([bySql.error, bySql.written], ['forbidden', false]);
  const events = ['--spine-events', 'hush.payments', '--columns', 'card=card,sum=amount'];
  const byEvents = await train('hush_reader', '--service', 'hush.checks', ...events);
  assert.deepEqual([byEvents.error, byEvents.written], ['forbidden', false]);
  const offers = ['--service', 'shop.offers'];
  const own = await train('shop_reader', ...offers, '--spine', 'buyers.csv');
  assert.equal(own.code, 0, own.message);
  const stolen = (from: string) =>
    train(
      'shop_reader',
      ...offers,
      '--spine-query',
      `SELECT card AS buyer, at AS event_time FROM ${from}`,
    );
  const [real, absent] = [await stolen('"hush.payments"'), await stolen('"ghost.payments"')];
  assert.equal(real.code, 1);
  assert.equal(real.written, false);
  assert.equal(real.error, absent.error);
  assert.equal(real.message.replaceAll('hush', '_'), absent.message.replaceAll('ghost', '_'));
  const theirEvents = await train('shop_reader', ...offers, '--spine-events', 'hush.payments');
  assert.deepEqual([theirEvents.error, theirEvents.written], ['unknown_name', false]);
  const theirName = await train(
    'shop_reader',
    ...offers,
    '--spine',
    'buyers.csv',
    '--name',
    'hush.x',
  );
  assert.deepEqual([theirName.error, theirName.written], ['unknown_name', false]);

  // What somebody with the label recorded is not shown to somebody without it.
  await world.as('admin', ['access', 'identity', 'labels', 'admin', 'money']);
  const made = await train('admin', '--service', 'hush.sums', ...spine, '--name', 'hush.totals');
  assert.equal(made.code, 0, made.message);
  const show = await world.as('hush_reader', ['dataset', 'show', 'hush.totals']);
  assert.equal(show.result.error.code, 'forbidden');
  const rebuilt = await world.as('hush_reader', [
    'dataset',
    'rebuild',
    'hush.totals',
    '--out',
    'x.csv',
  ]);
  assert.equal(rebuilt.result.error.code, 'forbidden');
  const listed = await world.as('shop_reader', ['dataset', 'list']);
  assert.deepEqual(listed.result.datasets, []);

  // The one answer that was served is of hush, and its events show amounts.
  for (const [who, replayed] of [
    ['shop_reader', 0],
    ['hush_reader', 0],
    ['admin', 1],
  ] as const) {
    const { result } = await world.as(who, ['verify']);
    assert.equal(result.verified, replayed, `${who}: ${JSON.stringify(result)}`);
  }
});
