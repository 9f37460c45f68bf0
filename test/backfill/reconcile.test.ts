import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Project } from '../cli/project.ts';

const DAY_MS = 86_400_000;

const DEFINITIONS = `
import { count, decimal, entity, service, sliding, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at', id: 'payment', allowedLateness: '30d',
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' }, owner: 'risk',
  features: (payment) => ({
    payments_1d: count().over(sliding('1d')),
    spent_1d: sum(payment.amount).over(sliding('1d')),
  }),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
`;

/** Noon of some days ago, so that a payment is in the middle of its day. */
function noon(daysAgo: number): number {
  return (Math.floor(Date.now() / DAY_MS) - daysAgo) * DAY_MS + DAY_MS / 2;
}

function line(payment: string, card: string, amount: string, daysAgo: number): string {
  return JSON.stringify({ payment, card, amount, at: noon(daysAgo) });
}

test('a late event changes a final day only with a record, which names what it touches', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  project.write('asof.json', '{"port":0,"grace":"24h"}');
  const server = await project.server('dev');
  const to = ['--url', server.url];
  const push = async (lines: readonly string[]): Promise<void> => {
    project.write('rows.ndjson', lines.join('\n'));
    const pushed = await project.json(['push', 'payments', 'rows.ndjson', ...to]);
    assert.equal(pushed.result.accepted, lines.length, pushed.stdout);
  };
  await push([
    line('p1', 'c1', '5.00', 9),
    line('p2', 'c2', '7.50', 9),
    line('p3', 'c1', '1.00', 0),
  ]);
  const built = await project.json(['backfill', 'use']);
  assert.equal(built.result.groups?.[0].tiles, 3, built.stdout);
  const spine = (name: string, daysAgo: number): string => {
    const file = join(project.folder, name);
    writeFileSync(file, `card,event_time\nc1,${noon(daysAgo) + 60_000}\n`);
    return file;
  };
  for (const [name, file] of [
    ['touched', spine('a.csv', 9)],
    ['later', spine('b.csv', 5)],
  ] as const) {
    const out = ['--out', `${name}.parquet`, '--name', name, '--known', 'final'];
    const trained = await project.json(['train', '--service', 'cards', '--spine', file, ...out]);
    assert.equal(trained.code, 0, trained.stdout);
  }
  const calm = await project.json(['reconcile']);
  assert.equal(calm.result.groups[0].status, 'unchanged');
  await push([
    line('p4', 'c1', '20.00', 9),
    line('p5', 'c3', '4.00', 9),
    line('p6', 'c1', '2.00', 0),
  ]);
  const planned = await project.json(['reconcile', '--dry-run']);
  assert.equal(planned.result.groups[0].final.length, 1);
  const run = await project.json(['reconcile']);
  const [group] = run.result.groups;
  assert.equal(group.status, 'published');
  assert.equal(group.days.length, 2, 'today has changed too, and all tiles stand for one commit');
  assert.deepEqual(group.audited, [new Date(noon(9)).toISOString().slice(0, 10)]);
  const listed = await project.json(['reconcile', '--list']);
  assert.equal(listed.result.audits.length, 1);
  const shown = await project.json(['reconcile', '--show', '1']);
  const { details, tiles } = shown.result;
  assert.deepEqual(details.datasets, ['touched@1']);
  assert.deepEqual([details.eventsBefore, details.eventsAfter, details.tiles], [2, 4, 2]);
  assert.equal(tiles.length, 2);
  const [c1, c3] = tiles;
  assert.deepEqual([c1.keys, c3.keys, c3.before], [['c1'], ['c3'], null]);
  const sums = (fields: Readonly<Record<string, unknown>>): unknown[] =>
    Object.values(fields).filter((value) => typeof value === 'number' && value >= 100);
  assert.deepEqual([sums(c1.before), sums(c1.after), sums(c3.after)], [[500], [2500], [400]]);
  const text = await project.run(['reconcile', '--show', '1']);
  assert.match(text.stdout, /training sets affected: touched@1/);
  assert.match(text.stdout, /c3 .* none +→/);
  const again = await project.json(['reconcile']);
  assert.equal(again.result.groups[0].status, 'unchanged');
});

test('a catalog that is damaged is told, and built anew once it is gone', async (t) => {
  const project = Project.create(t);
  const server = await project.server('dev');
  project.write('.asof/catalog.db', 'no catalog at all'.repeat(500));
  const { result } = await project.json(['backfill', 'use']);
  assert.equal(result.error.code, 'corrupt_catalog');
  assert.match(result.error.remedy, /move it away/);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200, 'serving goes on');
});
