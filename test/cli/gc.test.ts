import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Project, type ServerRun } from './project.ts';

const DAY_MS = 86_400_000;
const daysAgo = (days: number): number => Date.now() - days * DAY_MS;

const definitions = (more = ''): string => `
import { count, entity, lifetime, service, sliding, stream, string, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), at: timestamp(), known: timestamp() },
  eventTime: 'at', arrivalTime: 'known', id: 'payment', allowedLateness: '1h', dedupeHorizon: '1h',
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ recent: count().over(sliding('1d')) }),
});
export const cards = service('cards', { version: 1, features: [use.all()] });
${more}
`;

const LIFETIME = `
export const ever = view('ever', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: () => ({ ever: count().over(lifetime()) }),
});
export const evers = service('evers', { version: 1, features: [ever.all()] });
`;

const CONFIG = {
  port: 0,
  clock: 'arrival',
  archiveEverySeconds: 1,
  serveLogRate: 0,
  retention: { archive: '20d', deadLetters: '10d', serveLog: '10d' },
};

/** A few payments on each of these days, the oldest first. */
function payments(name: string, days: readonly number[]): string {
  const lines = days.flatMap((day) =>
    Array.from({ length: 5 }, (_, i) => {
      const at = daysAgo(day) + i * 60_000;
      return JSON.stringify({ payment: `${name}${day}-${i}`, card: `c${i % 3}`, at, known: at });
    }),
  );
  return `${lines.join('\n')}\n`;
}

/** A row for each card at the end of each of these days. */
function spine(days: readonly number[]): string {
  const rows = days.flatMap((day) =>
    [0, 1, 2].map((i) => `c${i},${new Date(daysAgo(day) + 3_600_000).toISOString()}`),
  );
  return `card,event_time\n${rows.join('\n')}\n`;
}

async function archived(project: Project, server: ServerRun): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { result } = await project.json(['status', '--url', server.url]);
    if (result.archivedCommit === result.log.lastCommit) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the archive did not catch up');
}

function parquetFiles(project: Project): string[] {
  return readdirSync(join(project.folder, '.asof/archive'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.parquet'));
}

/** Makes what was retired look as if that had been long ago. */
function age(project: Project): void {
  const db = new DatabaseSync(join(project.folder, '.asof/archive/catalog.db'));
  db.exec(`UPDATE retired SET retired_ms = retired_ms - ${DAY_MS}`);
  db.close();
}

test('retention removes what nothing can need; a dataset keeps what it was made from', async (t) => {
  const project = Project.create(t, definitions());
  project.write('asof.json', JSON.stringify(CONFIG));
  await project.json(['apply']);
  let server = await project.server('serve');
  project.write('spine.csv', spine([39, 38]));
  for (const days of [
    [40, 39],
    [30, 29],
    [3, 2, 1],
  ]) {
    project.write('events.ndjson', payments('p', days));
    await project.json(['push', 'payments', 'events.ndjson', '--url', server.url]);
    await archived(project, server);
    if (days[0] === 40) {
      const train = ['train', '--service', 'cards', '--spine', 'spine.csv', '--out', 'a.parquet'];
      const trained = await project.json([...train, '--name', 'old']);
      assert.equal(trained.code, 0, JSON.stringify(trained.result));
    }
  }
  const before = parquetFiles(project).length;

  const dry = await project.json(['gc', '--dry-run']);
  const planned = dry.result.removals.map((one: { path: string }) => one.path);
  assert.ok(planned.length >= 1, JSON.stringify(dry.result));
  assert.equal(parquetFiles(project).length, before, 'a dry run takes nothing away');
  const swept = await project.json(['gc']);
  assert.deepEqual(
    swept.result.removals.map((one: { path: string }) => one.path),
    planned,
  );
  // Days 30 and 29 go, though their files stay for readers; 40 and 39 are the dataset's.
  assert.equal(parquetFiles(project).length, before);
  age(project);
  await project.json(['gc']);
  assert.equal(parquetFiles(project).length, before - planned.length);
  const rebuilt = await project.json(['dataset', 'rebuild', 'old', '--out', 'b.parquet']);
  assert.equal(rebuilt.result.same, 'bytes', JSON.stringify(rebuilt.result));

  // What would need the removed events is refused; what does not is as right as before.
  project.write('spine.csv', spine([29]));
  const late = ['train', '--service', 'cards', '--spine', 'spine.csv', '--out', 'c.csv'];
  assert.equal((await project.json(late)).result.error.code, 'history_removed');
  project.write('spine.csv', spine([1]));
  assert.equal((await project.json(late)).code, 0);
  assert.match(readFileSync(join(project.folder, 'c.csv'), 'utf8'), /c0,.*,2\n/);
  project.write('features.ts', definitions(LIFETIME));
  const plan = await project.json(['plan']);
  assert.equal(plan.result.refusals[0].code, 'history_removed');
  assert.equal((await project.json(['apply'])).result.error.code, 'history_removed');
  // A state that is built anew from what is left answers the same.
  const ask = ['get', 'cards', 'card=c0', '--json'];
  const answer = (await project.json([...ask, '--url', server.url])).result.rows;
  await server.stop();
  const state = join(project.folder, '.asof/state');
  for (const name of readdirSync(state)) writeFileSync(join(state, name), 'gone');
  project.write('features.ts', definitions());
  server = await project.server('serve');
  assert.deepEqual((await project.json([...ask, '--url', server.url])).result.rows, answer);

  // Once the dataset is deleted, its events may go too.
  await project.json(['dataset', 'delete', 'old@1']);
  const rest = await project.json(['gc']);
  assert.ok(rest.result.removals.length > 0);
  age(project);
  await project.json(['gc']);
  assert.ok(parquetFiles(project).length < before - planned.length);
});

test('leftovers of crashes, logs beyond their retention, small files', async (t) => {
  const project = Project.create(t, definitions());
  project.write('asof.json', JSON.stringify(CONFIG));
  await project.json(['apply']);
  const server = await project.server('serve');
  for (const name of ['a', 'b', 'c']) {
    project.write('events.ndjson', payments(name, [1]));
    await project.json(['push', 'payments', 'events.ndjson', '--url', server.url]);
    await archived(project, server);
  }
  const data = join(project.folder, '.asof');
  const old = new Date(daysAgo(3));
  const leave = (path: string, text = 'left'): string => {
    const file = join(data, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    utimesSync(file, old, old);
    utimesSync(join(file, '..'), old, old);
    return file;
  };
  const orphan = leave('archive/payments/arrival_date=2020-01-01/1-2.parquet');
  const dataset = leave('datasets/never/7/spine.parquet');
  const served = leave(`served/${new Date(daysAgo(15)).toISOString().slice(0, 10)}.ndjson`);
  const letters = leave(`dead/payments/${new Date(daysAgo(12)).toISOString().slice(0, 10)}.ndjson`);
  const young = join(data, 'archive/payments/arrival_date=2020-01-01/3-4.parquet.unfinished');
  writeFileSync(young, 'somebody is writing this');
  const folder = readdirSync(join(data, 'served'));
  const busy = await project.json(['gc']);
  assert.equal(busy.code, 0, JSON.stringify(busy.result));
  assert.ok(!existsSync(orphan) && !existsSync(dataset), JSON.stringify(busy.result));
  assert.ok(existsSync(young));
  assert.ok(existsSync(letters), `the server has them: ${folder.join()}`);
  assert.match(busy.result.leftOut.join(), /dead letters: the running server removes them/);
  await server.stop();
  const before = parquetFiles(project).length;
  const people = await project.run(['gc', '--compact']);
  assert.match(people.stdout, /merged \d+ archive files into \d+/);
  assert.ok(!existsSync(letters) && !existsSync(served));
  age(project);
  await project.json(['gc']);
  assert.ok(parquetFiles(project).length < before);
});
