import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/app/config.ts';
import { loadDefinitions } from '../../src/app/definitions.ts';
import { Platform } from '../../src/app/platform.ts';
import { applyProject } from '../../src/app/project.ts';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { OfflineCatalog } from '../../src/store/offline-catalog.ts';

const root = join(import.meta.dirname, '..', '..');
const DAY_MS = 86_400_000;
const KILLS = 20;

const DEFINITIONS = `
import { count, entity, int64, lastN, max, median, service, sliding, stream, string, sum, timestamp, view } from 'asof';
const account = entity('account', { keys: { account: string() } });
const transfers = stream('transfers', {
  columns: { transfer: string(), account: string(), cents: int64(), at: timestamp() },
  eventTime: 'at', id: 'transfer', allowedLateness: '30d',
});
const totals = view('totals', {
  version: 1, source: transfers, entity: account, key: { account: 'account' },
  features: (row) => ({
    sent_1d: sum(row.cents).over(sliding('1d')),
    most_7d: max(row.cents).over(sliding('7d')),
    middle_1d: median(row.cents).over(sliding('1d')),
    newest: lastN(row.transfer, 3).over(sliding('7d')),
  }),
});
const large = view('large', {
  version: 1, source: transfers, entity: account, key: { account: 'account' },
  filter: (row) => row.cents.gt(5_000),
  features: () => ({ large_7d: count().over(sliding('7d')) }),
});
export const all = service('all', { version: 1, features: [totals.all(), large.all()] });
export { account, large, totals, transfers };
`;

/** A project whose log has transfers of ten days, the last of them today. */
async function projectWith(t: TestContext, rows: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-kill-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'asof'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'features.ts'), DEFINITIONS);
  const config = loadConfig(folder, { port: 0, logLevel: 'silent' }, {});
  await applyProject(config, 'test');
  const platform = await Platform.start(config, await loadDefinitions(config.definitions, config));
  try {
    const random = seededRandom(3);
    const nowMs = Date.now();
    const lines = Array.from({ length: rows }, (_, index) =>
      JSON.stringify({
        transfer: `t${index}`,
        account: `a${random.below(500)}`,
        cents: random.below(10_000),
        at: nowMs - random.below(10 * DAY_MS),
      }),
    );
    const response = await fetch(`${platform.url}/v1/events/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    });
    assert.equal(response.status, 200, await response.text());
  } finally {
    await platform.stop();
  }
  return folder;
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

/** A real process; killed after so long, or left to its end. */
function backfill(
  folder: string,
  args: readonly string[],
  killAfterMs: number | null,
): Promise<End> {
  const main = join(root, 'src', 'cli', 'main.ts');
  const command = ['--conditions=asof-source', main, 'backfill', '--all', '--json', ...args];
  const child = spawn(process.execPath, command, { cwd: folder });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    text += String(chunk);
  });
  const timer = killAfterMs === null ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      if (timer !== null) clearTimeout(timer);
      resolve({ code, signal, text });
    });
  });
}

/** What is live: by day and part, the content and what the catalog says of it. */
function liveOf(folder: string): unknown[] {
  const dataDir = join(folder, '.asof');
  const catalog = OfflineCatalog.open(dataDir, systemClock);
  try {
    return catalog.partitions.subjects('tiles/').flatMap(({ subject, throughCommit }) =>
      catalog.partitions.live(subject).map((part) => ({
        subject,
        commits: [throughCommit, part.throughCommit],
        place: [part.partition, part.part],
        counts: [part.rows, part.bytes, part.details, part.state],
        content: readFileSync(join(dataDir, part.path ?? '')).toString('base64'),
      })),
    );
  } finally {
    catalog.close();
  }
}

test(`a backfill that is killed ${KILLS} times ends in the same bytes`, async (t) => {
  const folder = await projectWith(t, 12_000);
  const undisturbed = mkdtempSync(join(tmpdir(), 'asof-calm-'));
  t.after(() => rmSync(undisturbed, { recursive: true, force: true }));
  cpSync(folder, undisturbed, { recursive: true, verbatimSymlinks: true });
  const startMs = performance.now();
  const calm = await backfill(undisturbed, [], null);
  const wholeMs = performance.now() - startMs;
  assert.equal(calm.code, 0, calm.text);
  const expected = liveOf(undisturbed);
  assert.ok(expected.length >= 10, 'a part for each day and group');
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}, undisturbed ${Math.round(wholeMs)} ms`);
  const random = seededRandom(seed);
  let killed = 0;
  let resumed = 0;
  // Until enough were killed, and one of them so late that there was something to go on with.
  for (let attempt = 0; attempt < 4 * KILLS; attempt += 1) {
    if (killed >= KILLS && resumed > 0) break;
    // With a rate there are many chunks, which the attempts after it go on with.
    const args = random.below(2) === 0 ? ['--force', '--rate', '150'] : ['--force'];
    const afterMs = wholeMs * (0.3 + 0.8 * random.next());
    const end = await backfill(folder, args, afterMs);
    if (end.signal === 'SIGKILL') killed += 1;
    else assert.equal(end.code, 0, end.text);
    if (end.text.includes('"resumed":true')) resumed += 1;
  }
  assert.ok(killed >= KILLS, `${killed} killed`);
  const last = await backfill(folder, [], null);
  assert.equal(last.code, 0, last.text);
  if (last.text.includes('"resumed":true')) resumed += 1;
  assert.ok(resumed > 0, 'an unfinished run was gone on with');
  assert.deepEqual(liveOf(folder), expected);
  const again = await backfill(folder, [], null);
  assert.match(again.text, /"status":"unchanged"/);
});
