import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Config, loadConfig } from '../../src/app/config.ts';
import { type ForgetJob, newJobId, newSalt } from '../../src/app/forget/job.ts';
import type { Subject } from '../../src/app/forget/subjects.ts';
import { withRegistry } from '../../src/app/with-registry.ts';
import { count, sum } from '../../src/define/aggregate.ts';
import { int64, string, timestamp } from '../../src/define/column.ts';
import { entity } from '../../src/define/entity.ts';
import { service } from '../../src/define/service.ts';
import { stream } from '../../src/define/stream.ts';
import { view } from '../../src/define/view.ts';
import { lifetime, session, sliding } from '../../src/define/window.ts';
import { compileProject } from '../../src/plan/compile.ts';
import type { ProjectPlan } from '../../src/plan/plan.ts';

/** Payments of users at merchants, and visits that are the users' alone. */
export function shopPlan(changes = false): ProjectPlan {
  const payments = stream('payments', {
    columns: {
      id: string(),
      op: string(),
      user: string().optional(),
      merchant: string().optional(),
      card_note: string().optional().personal(),
      n: int64(),
      at: timestamp(),
    },
    eventTime: 'at',
    id: 'id',
    allowedLateness: '48h',
    ...(changes ? { changes: { column: 'op' } } : {}),
  });
  const visits = stream('visits', {
    columns: { visitor: string(), n: int64(), at: timestamp() },
    eventTime: 'at',
    allowedLateness: '48h',
  });
  const user = entity('user', { keys: { user: string() } });
  const merchant = entity('merchant', { keys: { merchant: string() } });
  const spend = view('spend', {
    version: 1,
    source: payments,
    entity: user,
    key: { user: 'user' },
    features: (row) => ({
      payments: count().over(lifetime()),
      total: sum(row.n).over(sliding('24h')),
      chain: sum(row.n).over(session('1h')),
    }),
  });
  const traffic = view('traffic', {
    version: 1,
    source: payments,
    entity: merchant,
    key: { merchant: 'merchant' },
    features: (row) => ({
      sales: count().over(lifetime()),
      revenue: sum(row.n).over(lifetime()),
    }),
  });
  const seen = view('seen', {
    version: 1,
    source: visits,
    entity: user,
    key: { user: 'visitor' },
    features: (row) => ({ visits: count().over(lifetime()), pages: sum(row.n).over(lifetime()) }),
  });
  return compileProject([
    ...[payments, visits, user, merchant, spend, traffic, seen],
    service('users', { version: 1, features: [spend.all(), seen.all()] }),
    service('merchants', { version: 1, features: [traffic.all()] }),
  ]);
}

export async function configOf(t: TestContext, plan: ProjectPlan): Promise<Config> {
  const folder = mkdtempSync(join(tmpdir(), 'asof-forget-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = loadConfig(folder, { port: 0, logLevel: 'silent', serveLogRate: 1 }, {});
  await withRegistry(config, (registry) => registry.apply({ plan, author: 'test' }));
  return config;
}

export function jobOf(subjects: readonly Subject[], more: Partial<ForgetJob> = {}): ForgetJob {
  const startedMs = Date.now();
  return {
    ...{ id: newJobId(startedMs), startedMs, author: 'test', requestId: 'r-1', reason: null },
    ...{ subjects, declared: [], block: false, shared: 'keep', graceMs: 0, salt: newSalt() },
    ...more,
  };
}

export async function push(url: string, source: string, rows: readonly object[]): Promise<unknown> {
  const response = await fetch(`${url}/v1/events/${source}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  });
  return response.json();
}

/** Values of rows, at the position that the server says. */
export async function read(
  url: string,
  service: string,
  rows: readonly object[],
): Promise<{ commit: number; values: unknown[] }> {
  const response = await fetch(`${url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service, rows }),
  });
  const answer = (await response.json()) as {
    position: { commit: number };
    rows: { values: unknown }[];
  };
  return { commit: answer.position.commit, values: answer.rows.map(({ values }) => values) };
}
