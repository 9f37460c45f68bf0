import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { trainDataset } from '../../src/app/datasets.ts';
import { readRecords } from '../../src/app/forget/record.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { configOf, push, read, shopPlan } from './forget-world.ts';

const PERSON = 'customer-4711';
const NOW = Date.now();
const STEPS = [
  'begun',
  ...['fence', 'log', 'search', 'archive', 'ids', 'tiles', 'state', 'letters'],
  ...['served', 'shadows', 'reports', 'datasets', 'replaced', 'remains'],
];

/** Two people who paid, a training set of both, a rejected row and a served answer of one. */
async function prepared(t: TestContext): Promise<Config> {
  const plan = shopPlan(true);
  const config = await configOf(t, plan);
  const platform = await Platform.start(config, plan);
  const rows = Array.from({ length: 12 }, (_, n) => {
    const user = n % 2 === 0 ? PERSON : 'customer-12';
    return { id: `p${n}`, op: 'c', user, merchant: `m${n % 3}`, n, at: NOW - 60_000 + n };
  });
  await push(platform.url, 'payments', rows);
  await push(platform.url, 'payments', [{ id: 'x', user: PERSON, broken: true }]);
  await read(platform.url, 'users', [{ user: PERSON }]);
  await platform.stop();
  const spine = join(config.root, 'spine.csv');
  const lines = [PERSON, 'customer-12'].map((user) => `${user},${NOW}\n`);
  writeFileSync(spine, `user,event_time\n${lines.join('')}`);
  const out = join(config.root, 'out.csv');
  const request = { service: 'users', spine, out, known: 'final' as const };
  await trainDataset(config, request, { name: 'users', author: 'test' });
  rmSync(spine);
  return config;
}

function killedAt(folder: string, step: string): void {
  const script = fileURLToPath(new URL('./forget-killed.fixture.ts', import.meta.url));
  const ended = spawnSync(process.execPath, [script, folder, PERSON, step], { encoding: 'utf8' });
  assert.equal(ended.signal, 'SIGKILL', `killed at '${step}': ${ended.stderr}`);
}

test('killed at any step, the next start brings it to its end, and nobody is shown before', async (t) => {
  const whole = await prepared(t);
  for (const [at, step] of STEPS.entries()) {
    const folder = mkdtempSync(join(tmpdir(), 'asof-killed-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    cpSync(whole.root, folder, { recursive: true });
    const config = loadConfig(folder, { port: 0, logLevel: 'silent', serveLogRate: 1 }, {});
    // By turns before and after the step is kept as behind.
    killedAt(folder, step === 'begun' || at % 2 === 0 ? step : `${step}, not noted`);
    assert.equal(readRecords(config.dataDir).length, 0, step);
    const platform = await Platform.start(config, shopPlan(true));
    try {
      const [record, ...others] = readRecords(config.dataDir);
      assert.deepEqual([record?.scan.hits, others], [[], []], step);
      assert.equal(platform.forgetting.isPending, false);
      const { values } = await read(platform.url, 'users', [
        { user: PERSON },
        { user: 'customer-12' },
      ]);
      const counts = (values as { payments: number }[]).map(({ payments }) => payments);
      assert.deepEqual(counts, [0, 6], step);
      const sales = await read(platform.url, 'merchants', [{ merchant: 'm0' }]);
      assert.equal((sales.values as { sales: number }[])[0]?.sales, 4, step);
      const known = await withRegistry(config, ({ forgotten }) => forgotten.list());
      assert.deepEqual(
        known.map(({ state }) => state),
        ['done'],
      );
      const marks = await withRegistry(config, ({ forgotten }) => forgotten.datasets());
      assert.deepEqual(
        marks.map((one) => [one.name, one.number, one.rowsRemoved]),
        [['users', 1, 1]],
      );
    } finally {
      await platform.stop();
    }
    rmSync(folder, { recursive: true, force: true });
  }
});
