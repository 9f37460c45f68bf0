import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { compactArchive } from '../../src/ingest/archive-compact.ts';
import { Project } from './project.ts';

const DEFINITIONS = `
import { avg, count, decimal, entity, lifetime, service, sliding, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), amount: decimal(2), at: timestamp(), /*@column*/ },
  eventTime: 'at', id: 'payment', allowedLateness: '30d',
});
export const card = entity('card', { keys: { card: string() } });
const features = (window) => (payment) => ({
  payments_ever: count().over(lifetime()),
  spent: sum(payment.amount).over(window),
  mean: avg(payment.amount).over(sliding('7d')),
});
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: features(sliding('1d')),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
/*@more*/
`;

const MORE = `
export const use2 = view('use', {
  version: 2, source: payments, entity: card, key: { card: 'card' },
  features: features(sliding('2d')),
});
export const cards2 = service('cards', { version: 2, features: [use2.all()] });
`;

const HOUR_MS = 3_600_000;
const startMs = Date.now() - 5 * 24 * HOUR_MS;

function paymentLines(name: string, count: number, extra: object = {}): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const at = startMs + ((i * 7919) % 115) * HOUR_MS;
    const card = `c${i % 17}`;
    return JSON.stringify({ payment: `${name}${i}`, card, amount: (i * 37) % 900, at, ...extra });
  });
  return `${lines.join('\n')}\n`;
}

/** Three spines of the same rows, each in a form of its own. */
function writeSpines(project: Project): void {
  const rows = Array.from({ length: 60 }, (_, i) => {
    const event_time = new Date(startMs + i * 2 * HOUR_MS).toISOString();
    return { card: `c${i % 20}`, event_time, label: i % 3 === 0 ? '007' : `1.${i}0` };
  });
  project.write('spine.ndjson', `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const cells = rows.map(({ card, event_time, label }) => `${card},${event_time},${label}`);
  project.write('spine.csv', `card,event_time,label\n${cells.join('\n')}\n`);
}

const SETS = [
  ['a', 'spine.csv', 'a.parquet', []],
  ['b', 'spine.csv', 'b.csv', ['--known', 'final', '--prefix', 'f_']],
  ['c', 'spine.ndjson', 'c.ndjson', ['--serving-delay', '2h', '--statuses']],
] as const;

async function rebuildsTheSame(project: Project): Promise<void> {
  for (const [name, , out] of SETS) {
    const again = `again-${out}`;
    const { code, result, stderr } = await project.json([
      'dataset',
      'rebuild',
      `${name}@1`,
      '--out',
      again,
    ]);
    assert.equal(code, 0, stderr + JSON.stringify(result));
    assert.deepEqual([result.same, result.versions], ['bytes', []]);
    const [before, after] = [out, again].map((file) => readFileSync(join(project.folder, file)));
    assert.ok(before !== undefined && after?.equals(before), `${name} is the same file`);
  }
}

test('datasets are built again to the byte, whatever has happened since', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  project.write('asof.json', '{"port":0,"archiveEverySeconds":1}');
  writeSpines(project);
  await project.json(['apply']);
  let server = await project.server('serve');
  project.write('first.ndjson', paymentLines('p', 400));
  project.write('strange.ndjson', paymentLines('s', 30, { shop: 'x' }));
  await project.json(['push', 'payments', 'first.ndjson', '--url', server.url]);
  assert.equal(
    (await project.json(['push', 'payments', 'strange.ndjson', '--url', server.url])).code,
    1,
  );
  for (const [name, spine, out, options] of SETS) {
    const trained = await project.json([
      ...['train', '--service', 'cards', '--spine', spine, '--out', out, '--name', name],
      ...options,
    ]);
    assert.equal(trained.code, 0, JSON.stringify(trained.result));
    assert.deepEqual([trained.result.dataset.number, trained.result.dataset.rows], [1, 60]);
  }
  await rebuildsTheSame(project);

  // Newer data, newer versions, another column, letters that are taken after all, a restart.
  project.write('second.ndjson', paymentLines('q', 300));
  await project.json(['push', 'payments', 'second.ndjson', '--url', server.url]);
  project.write(
    'features.ts',
    DEFINITIONS.replace('/*@column*/', 'shop: string().optional(),')
      .replaceAll('version: 1', 'version: 3')
      .replace('/*@more*/', MORE),
  );
  const applied = await project.json(['apply']);
  assert.equal(applied.code, 0, JSON.stringify(applied.result));
  await server.says((line) => 'reloaded' in line || 'generation' in line, 1);
  const readmitted = await project.json([
    'deadletters',
    'readmit',
    'payments',
    '--url',
    server.url,
  ]);
  assert.equal(readmitted.result.accepted, 30, JSON.stringify(readmitted.result));
  await server.stop();
  server = await project.server('serve');
  project.write('third.ndjson', paymentLines('r', 50));
  await project.json(['push', 'payments', 'third.ndjson', '--url', server.url]);
  await archived(project, server.url);
  await rebuildsTheSame(project);
  await server.stop();

  await compactArchive({
    dataDir: join(project.folder, '.asof'),
    clock: systemClock,
    retiredMs: 0,
  });
  // The inputs are gone too: a dataset needs nothing outside the data directory.
  for (const file of ['spine.csv', 'spine.ndjson']) project.write(file, 'gone\n');
  await rebuildsTheSame(project);
});

/** Waits until the archive has everything. */
async function archived(project: Project, url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { result } = await project.json(['status', '--url', url]);
    if (result.archivedCommit === result.log.lastCommit) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the archive did not catch up');
}

test('list, show, diff, delete; what is damaged or elsewhere is refused', async (t) => {
  const project = Project.create(t, DEFINITIONS);
  writeSpines(project);
  await project.json(['apply']);
  const server = await project.server('serve');
  project.write('first.ndjson', paymentLines('p', 200));
  await project.json(['push', 'payments', 'first.ndjson', '--url', server.url]);
  const train = ['train', '--service', 'cards', '--spine', 'spine.ndjson', '--name', 'set'];
  await project.json([...train, '--out', 'one.ndjson', '--author', 'jan']);
  project.write('second.ndjson', paymentLines('q', 34));
  await project.json(['push', 'payments', 'second.ndjson', '--url', server.url]);
  await project.json([...train, '--out', 'two.ndjson', '--known', 'final']);

  const listed = (await project.json(['dataset', 'list'])).result.datasets;
  assert.deepEqual(
    listed.map((one: { name: string; number: number; author: string }) => [one.number, one.author]),
    [
      [1, 'jan'],
      [2, 'command line'],
    ],
  );
  const shown = (await project.json(['dataset', 'show', 'set'])).result;
  assert.deepEqual([shown.number, shown.options.known, shown.rows], [2, 'final', 60]);
  assert.deepEqual(Object.keys(shown.hashes).sort(), [
    'entity card',
    'service cards@1',
    'source payments',
    'view use@1',
  ]);
  const text = await project.run(['dataset', 'show', 'set@1']);
  assert.match(text.stdout, /set@1[\s\S]*by jan[\s\S]*payments_ever +BIGINT/);

  const { result: diff } = await project.json(['dataset', 'diff', 'set@1', 'set@2']);
  assert.deepEqual([diff.definitions, diff.rows.matched, diff.rows.added], [[], 60, 0]);
  assert.deepEqual(diff.options, [{ what: 'known', before: 'serving', after: 'final' }]);
  const ever = diff.rows.columns.find((one: { name: string }) => one.name === 'payments_ever');
  assert.ok(ever.changed > 0 && ever.medianChange >= 1, JSON.stringify(ever));
  const people = await project.run(['dataset', 'diff', 'set@1', 'set@2']);
  assert.match(people.stdout, /known: serving → final[\s\S]*Rows: 0 added, 0 removed/);

  // What stands where the dataset was written is not overwritten.
  writeFileSync(join(project.folder, 'one.ndjson'), 'mine\n');
  const refused = await project.run(['dataset', 'rebuild', 'set@1']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /one\.ndjson is there, and is not set@1/);
  assert.equal(readFileSync(join(project.folder, 'one.ndjson'), 'utf8'), 'mine\n');
  assert.equal((await project.run(['dataset', 'rebuild', 'set@1', '--out', 'x.csv'])).code, 2);

  const spine = join(project.folder, '.asof', shown.spine.path);
  const bytes = readFileSync(spine);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(spine, bytes);
  const damaged = await project.json(['dataset', 'rebuild', 'set@2']);
  assert.equal(damaged.result.error.code, 'dataset_unavailable');

  const deleted = await project.json(['dataset', 'delete', 'set@2']);
  assert.deepEqual([deleted.code, existsSync(spine)], [0, false]);
  const unknown = await project.run(['dataset', 'show', 'set@2']);
  assert.match(unknown.stderr, /There is no dataset set@2\. There is: 1/);
  const third = await project.json([...train, '--out', 'three.ndjson']);
  assert.equal(third.result.dataset.number, 3);
  const wrong = await project.json([...train.slice(0, -1), '../x', '--out', 'four.ndjson']);
  assert.equal(wrong.result.error.code, 'invalid_name');
});
