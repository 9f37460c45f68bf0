import type { Socket } from 'node:net';
import { LIMITS } from '../base/limits.ts';
import { postgresError } from './database-errors.ts';
import { DEFAULT_SCHEMA, hostOf, type PostgresAddress, socketIn } from './postgres-dialect.ts';

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
  const sockets = new Set<Socket>();
  const client = new pg.Client({
    connectionString: url,
    stream: () => socketIn(sockets),
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
  const end = async (): Promise<void> => {
    isOpen = false;
    const ended = client.end().catch(() => {});
    for (const socket of sockets) socket.destroySoon();
    await ended;
  };
  client.on('error', lost);
  client.on('end', lost);
  client.on('notification', onChange);
  try {
    await client.connect();
    await client.query(`LISTEN "${`asof_${schema}`.replaceAll('"', '""')}"`);
  } catch (cause) {
    await end();
    throw postgresError(cause, hostOf(url));
  }
  return { close: end };
}
