import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { after, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import type { RegistryAddress } from './database.ts';
import { PgliteServer } from './pglite-server.fixture.ts';

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
 * PostgreSQL as WebAssembly, one for all tests of a file, a schema for each; or the server that
 * ASOF_TEST_POSTGRES names. As WebAssembly it has one session, so that connections take turns.
 */
async function postgresAddress(): Promise<RegistryAddress> {
  schemas += 1;
  const real = process.env.ASOF_TEST_POSTGRES;
  if (real !== undefined) {
    return { kind: 'postgres', url: real, schema: `test_${process.pid}_${schemas}` };
  }
  started ??= startPostgres();
  return { kind: 'postgres', url: await started, schema: `test_${schemas}`, connections: 1 };
}

async function startPostgres(): Promise<string> {
  const db = await PGlite.create();
  const server = await PgliteServer.start(db);
  stop = async () => {
    await server.stop();
    await db.close();
  };
  return server.url;
}
