import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { after, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import type { RegistryAddress } from './database.ts';

/** The same test on a file of SQLite and on PostgreSQL itself, each empty. */
export function onBothDatabases(
  name: string,
  work: (t: TestContext, address: RegistryAddress) => Promise<void>,
): void {
  test(`${name} (SQLite)`, (t) => work(t, sqliteAddress(t)));
  test(`${name} (PostgreSQL)`, async (t) => work(t, await postgresAddress()));
}

export function sqliteAddress(t: TestContext): RegistryAddress {
  const folder = mkdtempSync(join(tmpdir(), 'asof-registry-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { kind: 'sqlite', path: join(folder, 'registry.db') };
}

let started: Promise<string> | null = null;
let stop: () => Promise<void> = async () => {};
let schemas = 0;

// Within a test, it would be for that test alone.
after(() => stop());

/**
 * PostgreSQL as WebAssembly, one for all tests of a file, a schema for each. It has one session, so
 * that one connection is all that there may be at a time.
 */
async function postgresAddress(): Promise<RegistryAddress> {
  started ??= startPostgres();
  schemas += 1;
  return { kind: 'postgres', url: await started, schema: `test_${schemas}`, connections: 1 };
}

async function startPostgres(): Promise<string> {
  const db = await PGlite.create();
  const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1', maxConnections: 8 });
  await server.start();
  stop = async () => {
    await server.stop();
    await db.close();
  };
  return `postgres://postgres:postgres@${server.getServerConn()}/postgres?sslmode=disable`;
}
