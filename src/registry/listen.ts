import { LIMITS } from '../base/limits.ts';
import { postgresError } from './database-errors.ts';
import { DEFAULT_SCHEMA, hostOf, type PostgresAddress } from './postgres-dialect.ts';

export interface Listener {
  close(): Promise<void>;
}

/**
 * Is told by PostgreSQL of every change of a registry, on a connection of its own. Notices can be
 * lost with the connection, so whoever listens also looks by himself now and then.
 * @throws AsofError `registry_away`
 */
export async function listenToChanges(
  { url, schema = DEFAULT_SCHEMA }: PostgresAddress,
  onChange: () => void,
  onLost: () => void,
): Promise<Listener> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    application_name: 'asof registry listener',
    connectionTimeoutMillis: LIMITS.registryConnectMs,
    query_timeout: LIMITS.registryStatementMs,
    keepAlive: true,
  });
  let isOpen = true;
  const lost = (): void => {
    if (isOpen) onLost();
    isOpen = false;
  };
  client.on('error', lost);
  client.on('end', lost);
  client.on('notification', onChange);
  try {
    await client.connect();
    await client.query(`LISTEN "${`asof_${schema}`.replaceAll('"', '""')}"`);
  } catch (cause) {
    isOpen = false;
    await client.end().catch(() => {});
    throw postgresError(cause, hostOf(url));
  }
  return {
    close: async () => {
      isOpen = false;
      await client.end().catch(() => {});
    },
  };
}
