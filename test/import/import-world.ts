import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Project, type ServerRun } from '../cli/project.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export const DEFINITIONS = `
import { count, entity, int64, last, lifetime, service, session, sliding, stream, string, sum, timestamp, view } from 'asof';
export const payments = stream('payments', {
  columns: { payment: string(), card: string(), amount: int64().optional(), at: timestamp() },
  eventTime: 'at', id: 'payment', allowedLateness: '1d',
});
export const taps = stream('taps', {
  columns: { card: string(), at: timestamp() },
  eventTime: 'at', allowedLateness: '1d',
});
export const bookings = stream('bookings', {
  columns: { booking: string(), card: string(), op: string(), amount: int64().optional(), at: timestamp() },
  eventTime: 'at', id: 'booking', allowedLateness: '1d',
  changes: { column: 'op', insert: ['c'], update: ['u'], delete: ['d'], horizon: '365d' },
});
export const card = entity('card', { keys: { card: string() } });
export const use = view('use', {
  version: 1, source: payments, entity: card, key: { card: 'card' },
  features: (payment) => ({
    uses: count().over(lifetime()),
    spent: sum(payment.amount).over(sliding('1d')),
    newest: last(payment.payment).over(lifetime()),
    visit: count().over(session('30m')),
  }),
});
export const taken = view('taken', {
  version: 1, source: taps, entity: card, key: { card: 'card' },
  features: () => ({ taps: count().over(lifetime()) }),
});
export const booked = view('booked', {
  version: 1, source: bookings, entity: card, key: { card: 'card' },
  features: (booking) => ({ booked: sum(booking.amount).over(lifetime()), stays: count().over(lifetime()) }),
});
export const cards = service('cards', { version: 1, features: [use.all(), taken.all(), booked.all()] });
`;

export async function openProject(t: TestContext): Promise<Project> {
  const project = Project.create(t);
  project.write('features.ts', DEFINITIONS);
  project.write('asof.json', '{"port":0,"serveLogRate":1}');
  const { code, stderr } = await project.run(['apply', '--author', 'me']);
  if (code !== 0) throw new Error(stderr);
  return project;
}

/** A command in a process of its own, to be killed as a machine would kill it. */
export function spawnCommand(project: Project, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--conditions=asof-source', main, ...args], {
    cwd: project.folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

export type Values = Readonly<Record<string, unknown>>;

export async function valuesOf(server: ServerRun, card: string): Promise<Values> {
  const response = await fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'cards', rows: [{ card }] }),
  });
  const answer: unknown = await response.json();
  const rows = (answer as { rows?: { values: Values }[] }).rows;
  if (rows?.[0] === undefined) throw new Error(JSON.stringify(answer));
  return rows[0].values;
}

export async function push(server: ServerRun, source: string, rows: object[]): Promise<void> {
  const response = await fetch(`${server.url}/v1/events/${source}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rows),
  });
  if (response.status !== 200) throw new Error(await response.text());
}
