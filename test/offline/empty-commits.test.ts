import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { openHistory, trainProject, verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { systemClock } from '../../src/base/clock.ts';
import { NodeDisk } from '../../src/base/node-disk.ts';
import { count, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session } from '../../src/define/window.ts';
import { Archive } from '../../src/ingest/archive.ts';
import { segmentSource } from '../../src/ingest/archive-source.ts';
import { DuckDbSession } from '../../src/ingest/duckdb-session.ts';
import { Ingestor } from '../../src/ingest/ingestor.ts';
import { EventLog } from '../../src/ingest/log.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';

function planOf(changes: boolean): ProjectPlan {
  const orders = stream('orders', {
    columns: { id: string(), op: string(), card: string(), n: int64(), at: timestamp() },
    eventTime: 'at',
    id: 'id',
    allowedLateness: '24h',
    ...(changes ? { changes: { column: 'op' } } : {}),
  });
  const card = entity('card', { keys: { card: string() } });
  const use = view('use', {
    version: 1,
    source: orders,
    entity: card,
    key: { card: 'card' },
    features: (order) => ({
      orders: count().over(lifetime()),
      total: sum(order.n).over(lifetime()),
      recent: count().over(session('1h')),
    }),
  });
  return compileProject([
    orders,
    card,
    use,
    service('cards', { version: 1, features: [use.all()] }),
  ]);
}

async function configOf(t: TestContext, plan: ProjectPlan): Promise<Config> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-empty-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = loadConfig(folder, { port: 0, logLevel: 'silent', serveLogRate: 1 }, {});
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  return config;
}

/** The door and the log alone, with a segment for each commit, so that a cut removes something. */
async function withLog<T>(
  { dataDir }: Config,
  { sources }: ProjectPlan,
  work: (log: EventLog, door: Ingestor) => Promise<T>,
): Promise<T> {
  const disk = new NodeDisk(dataDir);
  const log = await EventLog.open({ disk, schemas: sources, limits: { segmentBytes: 1 } });
  const door = Ingestor.open({ disk, log, sources, clock: systemClock });
  try {
    return await work(log, door);
  } finally {
    door.close();
    await log.close();
  }
}

const START_MS = Date.now() - 60_000;

/** A letter for each commit, `r` with a row and `e` without; of a change stream updates as well. */
async function take(door: Ingestor, commits: string, from: number): Promise<void> {
  for (const [i, kind] of [...commits].entries()) {
    const n = from + i;
    const row = { id: `o${n % 3}`, op: n < 3 ? 'c' : 'u', card: 'a', n, at: START_MS + n };
    const body = kind === 'r' ? row : '{"broken":';
    const rows = kind === 'r' || n % 2 === 0 ? [{ place: `${n}`, body }] : [];
    const batch = { connector: 'reader', lane: 'all', batch: n + 1, token: `${n + 1}`, rows };
    await door.take('orders', batch);
  }
}

async function archiveAndCut(config: Config, plan: ProjectPlan, stageRows: number): Promise<void> {
  const source = segmentSource(new NodeDisk(config.dataDir));
  const archive = await Archive.open({ dataDir: config.dataDir, source, stageRows });
  try {
    await withLog(config, plan, async (log) => {
      await archive.archiveThrough(log.lastCommit);
      assert.equal(archive.archivedCommit, log.lastCommit);
      log.cutThrough(archive.archivedCommit);
      assert.equal(log.firstCommit, log.lastCommit, 'all but the last segment is cut');
    });
  } finally {
    archive.close();
  }
}

async function served(config: Config, plan: ProjectPlan): Promise<unknown> {
  const platform = await Platform.start(config, plan);
  try {
    const response = await fetch(`${platform.url}/v1/features`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service: 'cards', rows: [{ card: 'a' }] }),
    });
    const answer = (await response.json()) as { position: unknown; rows: { values: unknown }[] };
    return { position: answer.position, values: answer.rows[0]?.values };
  } finally {
    await platform.stop();
  }
}

async function trained(config: Config): Promise<unknown> {
  const spine = join(config.dataDir, 'spine.csv');
  const out = join(config.dataDir, 'out.parquet');
  writeFileSync(spine, `card,event_time\na,${START_MS + 1_000_000}\n`);
  await trainProject(config, { service: 'cards', spine, out, known: 'final' });
  const duckdb = await DuckDbSession.open({ threads: 1 });
  try {
    const rows = await duckdb.rows(
      `SELECT to_json(x)::VARCHAR FROM (SELECT orders, total, recent FROM read_parquet('${out}')) x`,
    );
    return rows.map(([text]) => JSON.parse(String(text)));
  } finally {
    duckdb.close();
  }
}

/** The events that ought to count: of an order of a change stream only its newest row. */
function expected(commits: string, changes: boolean) {
  const newest = new Map<string, number>();
  const all: number[] = [];
  for (const [n, kind] of [...commits].entries()) {
    if (kind !== 'r') continue;
    if (!changes && newest.has(`o${n % 3}`)) continue;
    newest.set(`o${n % 3}`, n);
    all.push(n);
  }
  const counted = [...newest.values()];
  const total = counted.length === 0 ? null : counted.reduce((sum, n) => sum + n, 0);
  return { orders: counted.length, total, recent: counted.length };
}

async function historyCommits(config: Config, plan: ProjectPlan) {
  const history = await openHistory(config, plan);
  const commits = new Set<number>();
  let rows = 0;
  for await (const batch of history.batches()) {
    commits.add(batch.commit);
    rows += batch.count;
  }
  return { through: history.through, commits, rows };
}

const CASES = ['e', 'eee', 'eerr', 'reer', 'rree', 'erere', 'rrrererre'];

for (const [i, before] of CASES.entries()) {
  const changes = i % 2 === 0;
  const stageRows = i % 3 === 0 ? 1 : 1_000;
  const kind = changes ? 'changes' : 'events';
  test(`commits '${before}' of ${kind}: archived, cut, restarted, trained, verified`, async (t) => {
    const plan = planOf(changes);
    const config = await configOf(t, plan);
    await withLog(config, plan, (_, door) => take(door, before, 0));
    const values = expected(before, changes);
    const first = { position: { commit: before.length }, values };
    assert.deepEqual(await served(config, plan), first, 'from the log');
    await archiveAndCut(config, plan, stageRows);
    assert.deepEqual(await served(config, plan), first, 'from the saved state');
    rmSync(join(config.dataDir, 'state'), { recursive: true });
    assert.deepEqual(await served(config, plan), first, 'from the archive');
    assert.deepEqual(await trained(config), [values]);
    const past = await historyCommits(config, plan);
    assert.equal(past.through, before.length);
    assert.ok([...before].every((one, n) => one === 'e' || past.commits.has(n + 1) || !changes));
    // Life goes on behind it, with the position where it was.
    const all = `${before}rer`;
    await withLog(config, plan, async (log, door) => {
      assert.equal((await door.lanes('orders', 'reader')).get('all')?.batch, before.length);
      await take(door, 'rer', before.length);
      assert.equal(log.lastCommit, all.length);
    });
    const last = { position: { commit: all.length }, values: expected(all, changes) };
    assert.deepEqual(await served(config, plan), last, 'from archive and log');
    await archiveAndCut(config, plan, stageRows);
    assert.deepEqual(await served(config, plan), last);
    assert.deepEqual(await trained(config), [last.values]);
    const { answers, mismatches, mismatched } = await verifyProject(config, 100);
    assert.deepEqual([answers, mismatched, mismatches], [5, 0, []]);
  });
}
