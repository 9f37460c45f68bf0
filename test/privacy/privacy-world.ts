import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Project, type Run, type ServerRun } from '../cli/project.ts';

/** Definitions whose users are tokenized, or are what they are. */
export function definitions(tokenized: boolean): string {
  const id = tokenized ? 'string().personal({ tokenize: true })' : 'string()';
  return `
import {
  count, countDistinct, csv, decimal, entity, int64, latest, lifetime, service, session, sliding, stream, string,
  sum, table, timestamp, view,
} from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), user: ${id}, payee: ${id}.optional(), amount: decimal(2), at: timestamp() },
  eventTime: 'at', id: 'payment', allowedLateness: '1d', partitions: 2,
});
export const accounts = stream('accounts', {
  columns: { user: ${id}, op: string(), tier: int64().optional(), at: timestamp() },
  eventTime: 'at', id: 'user', allowedLateness: '1d',
  changes: { column: 'op', insert: ['c'], update: ['u'], delete: ['d'], horizon: '365d' },
});
export const limits = table('limits', {
  columns: { user: ${id}, ceiling: int64(), since: timestamp() },
  from: csv('limits/*.csv'), key: ['user'], eventTime: 'since',
});
export const user = entity('user', { keys: { user: string() } });
export const spend = view('spend', {
  version: 1, source: payments, entity: user, key: { user: 'user' },
  features: (payment) => ({
    payments: count().over(lifetime()),
    spent: sum(payment.amount).over(sliding('1d')),
    payees: countDistinct(payment.payee).over(lifetime()),
    visit: count().over(session('30m')),
  }),
});
export const received = view('received', {
  version: 1, source: payments, entity: user, key: { user: 'payee' },
  features: (payment) => ({ got: sum(payment.amount).over(lifetime()) }),
});
export const account = view('account', {
  version: 1, source: accounts, entity: user, key: { user: 'user' },
  features: (row) => ({ tier: latest(row.tier), changes: count().over(lifetime()) }),
});
export const ceiling = view('ceiling', {
  version: 1, source: limits, entity: user, key: { user: 'user' },
  features: (row) => ({ ceiling: latest(row.ceiling) }),
});
export const users = service('users', {
  version: 1, features: [spend.all(), received.all(), account.all(), ceiling.all()],
});
`;
}

export const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + 11) % 256));
export const OTHER_KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 91 + 5) % 256));

/** A project with a key in a file of its owner, and, where users are tokenized, a token key. */
export async function openProject(t: TestContext, tokenized: boolean): Promise<Project> {
  const project = Project.create(t);
  project.write('features.ts', definitions(tokenized));
  project.write(
    'asof.json',
    JSON.stringify({ port: 0, serveLogRate: 1, privacy: { keyFile: 'tokens.key' } }),
  );
  writeKey(project, 'tokens.key', KEY);
  if (tokenized) await done(project, ['privacy', 'init']);
  await done(project, ['apply', '--author', 'me']);
  return project;
}

export function writeKey(project: Project, name: string, key: Buffer): string {
  const path = project.write(name, `${key.toString('base64url')}\n`);
  chmodSync(path, 0o600);
  return path;
}

/** Runs a command that must succeed. */
export async function done(project: Project, args: readonly string[]): Promise<Run> {
  const run = await project.run(args);
  if (run.code !== 0) throw new Error(`${args.join(' ')}: ${run.stderr}${run.stdout}`);
  return run;
}

/** Sends a body and gives the answer's text, whatever its status. */
export async function send(
  server: Pick<ServerRun, 'url'>,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  type = 'application/json',
): Promise<string> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  return response.text();
}

/** All files below a folder, with what they hold. */
export function* filesBelow(folder: string): Generator<{ path: string; bytes: Buffer }> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { path, bytes: readFileSync(path) };
  }
}
