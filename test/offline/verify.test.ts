import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { verifyProject } from '../../src/app/offline.ts';
import { Platform } from '../../src/app/platform.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { present } from '../../src/base/assert.ts';
import { count, sum } from '../../src/define/aggregate.ts';
import { decimal, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';

const payments = stream('payments', {
  columns: { payment: string(), card: string(), amount: decimal(2), at: timestamp() },
  eventTime: 'at',
  id: 'payment',
  allowedLateness: '24h',
});
const card = entity('card', { keys: { card: string() } });

/** Version 1 counts over all time, every later one over a window of its own. */
function planOf(version: number): ProjectPlan {
  const window = version === 1 ? lifetime() : sliding(`${version}h`);
  const use = view('use', {
    version,
    source: payments,
    entity: card,
    key: { card: 'card' },
    features: (payment) => ({
      payments: count().over(window),
      spent: sum(payment.amount).over(window),
    }),
  });
  return compileProject([
    payments,
    card,
    use,
    service('cards', { version, features: [use.all()] }),
  ]);
}

function configOf(t: TestContext): Config {
  const folder = mkdtempSync(join(tmpdir(), 'asof-verify-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return loadConfig(folder, { port: 0, logLevel: 'silent', serveLogRate: 1 }, {});
}

/** Applies the plan, pushes payments and asks for two cards' features. */
async function serve(config: Config, plan: ProjectPlan, name: string): Promise<void> {
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  const platform = await Platform.start(config, plan);
  try {
    const rows = ['1.50', '2.25'].map((amount, i) => ({
      payment: `${name}${i}`,
      card: 'a',
      amount,
      at: new Date().toISOString(),
    }));
    await post(`${platform.url}/v1/events/payments`, rows);
    await post(`${platform.url}/v1/features`, {
      service: 'cards',
      rows: [{ card: 'a' }, { card: 'none' }],
    });
  } finally {
    await platform.stop();
  }
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.text());
}

/** The only day file of the serve log. */
function servedFile(config: Config): string {
  const folder = join(config.dataDir, 'served');
  return join(folder, present(readdirSync(folder)[0], 'a day file'));
}

test('answers of a version that is applied no more are replayed by its own plan', async (t) => {
  const config = configOf(t);
  for (const version of [1, 2, 3]) await serve(config, planOf(version), `v${version}-`);
  const report = await verifyProject(config, 100);
  assert.deepEqual(report.mismatches, []);
  assert.deepEqual([report.answers, report.identical, report.mismatched], [6, 12, 0]);
  const file = servedFile(config);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"version":2', '"version":9'));
  appendFileSync(file, 'damage\n');
  const { mismatched, mismatches, damaged } = await verifyProject(config, 100);
  assert.deepEqual([mismatched, damaged], [4, 1]);
  for (const { explanation } of mismatches) assert.equal(explanation.kind, 'definition');
});
