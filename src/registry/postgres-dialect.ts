import { Socket } from 'node:net';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { RegistryAddress } from './database.ts';
import { postgresError, textWithoutNul } from './database-errors.ts';

export type PostgresAddress = Extract<RegistryAddress, { kind: 'postgres' }>;

/** One number of all advisory locks of registries; the second is the schema's. */
const LOCK_SPACE = 0x61736f66;
const INT8 = 20;

/** A PostgreSQL, by a bounded pool of connections; all of a registry is in one schema. */
export async function openPostgres(address: PostgresAddress): Promise<Dialect> {
  const driver = await PostgresPoolDriver.of(address);
  return {
    createDriver: () => driver,
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

/** Host and database of a URL, for messages; user and password stay out. */
export function hostOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  } catch {
    return 'the given URL';
  }
}

class PostgresPoolDriver implements Driver {
  readonly #pool: Pool;
  readonly #host: string;
  readonly #schema: string;
  readonly #ready = new WeakSet<PoolClient>();
  readonly #sockets: ReadonlySet<Socket>;

  private constructor(pool: Pool, host: string, schema: string, sockets: ReadonlySet<Socket>) {
    this.#pool = pool;
    this.#sockets = sockets;
    this.#host = host;
    this.#schema = schema;
  }

  static async of({ url, schema, connections }: PostgresAddress): Promise<PostgresPoolDriver> {
    // Most projects have a file instead, and need not load the client.
    const { default: pg } = await import('pg');
    const sockets = new Set<Socket>();
    const pool = new pg.Pool({
      connectionString: url,
      stream: () => socketIn(sockets),
      application_name: 'asof registry',
      max: connections ?? LIMITS.registryConnections,
      connectionTimeoutMillis: LIMITS.registryConnectMs,
      query_timeout: LIMITS.registryStatementMs,
      idleTimeoutMillis: LIMITS.registryIdleMs,
      keepAlive: true,
      allowExitOnIdle: true,
      types: {
        getTypeParser: (oid, format) =>
          oid === INT8 ? whole : pg.types.getTypeParser(oid, format),
      },
    });
    // An idle connection that breaks is replaced; the next query tells if there is none.
    pool.on('error', () => {});
    // So does one that breaks between two statements of a transaction: with nobody listening it
    // would end the process.
    pool.on('connect', (client) => client.on('error', () => {}));
    return new PostgresPoolDriver(pool, hostOf(url), schema ?? DEFAULT_SCHEMA, sockets);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (cause) {
      throw postgresError(cause, this.#host);
    }
    const connection = new PostgresConnection(client, this.#host);
    if (this.#ready.has(client)) return connection;
    try {
      await this.#prepare(connection);
      this.#ready.add(client);
      return connection;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** Settings of the session: names that say no schema mean the registry's own. */
  async #prepare(connection: PostgresConnection): Promise<void> {
    const name = `"${this.#schema.replaceAll('"', '""')}"`;
    const ms = LIMITS.registryStatementMs;
    for (const sql of [
      `SET client_min_messages = warning`,
      `SET statement_timeout = ${ms}`,
      `SET idle_in_transaction_session_timeout = ${ms}`,
      `SET search_path = ${name}`,
    ]) {
      await connection.query(sql);
    }
    const { rows } = await connection.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [
      this.#schema,
    ]);
    if (rows.length > 0) return;
    // Without the lock, another process that makes it at the same moment would be an error.
    await this.#lock(connection, 'pg_advisory_lock');
    try {
      await connection.query(`CREATE SCHEMA IF NOT EXISTS ${name}`);
    } finally {
      await this.#lock(connection, 'pg_advisory_unlock');
    }
  }

  async #lock(connection: PostgresConnection, call: string): Promise<void> {
    await connection.query(`SELECT ${call}($1, hashtext($2))`, [LOCK_SPACE, this.#schema]);
  }

  /**
   * Writers come one after the other, and what they read first is what the one before has left: the
   * lock is held before the first statement looks at anything.
   */
  async beginTransaction(
    connection: PostgresConnection,
    { accessMode }: TransactionSettings,
  ): Promise<void> {
    if (accessMode === 'read only') {
      await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      return;
    }
    await connection.query('BEGIN');
    await this.#lock(connection, 'pg_advisory_xact_lock');
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    const { command } = await connection.query('COMMIT');
    if (command === 'COMMIT') return;
    throw new AsofError('internal', 'A transaction of the registry had failed before its end.');
  }

  /** A connection that cannot even give up its work is given up, and its work with it. */
  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    try {
      await connection.query('ROLLBACK');
    } catch {
      connection.isBroken = true;
    }
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.client.release(connection.isBroken);
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
    for (const socket of this.#sockets) socket.destroySoon();
  }
}

class PostgresConnection implements DatabaseConnection {
  readonly client: PoolClient;
  /** Not to be used again. */
  isBroken = false;
  readonly #host: string;

  constructor(client: PoolClient, host: string) {
    this.client = client;
    this.#host = host;
  }

  async query(sql: string, parameters: readonly unknown[] = []) {
    try {
      return await this.client.query(sql, [...parameters]);
    } catch (cause) {
      const error = postgresError(cause, this.#host);
      if (error instanceof AsofError) this.isBroken = true;
      throw error;
    }
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const values = parameters.map((one) => (typeof one === 'string' ? textWithoutNul(one) : one));
    const { rows, rowCount } = await this.query(sql, values);
    return { rows, ...(rowCount === null ? {} : { numAffectedRows: BigInt(rowCount) }) };
  }

  // biome-ignore lint/correctness/useYield: kysely asks for it; nothing of ours streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new AsofError('internal', 'Queries of the registry are not streamed.');
  }
}

/**
 * A socket that its owner can do away with: the client itself waits for the other side to say
 * goodbye, which a network that swallows everything never does.
 */
export function socketIn(open: Set<Socket>): Socket {
  const socket = new Socket();
  open.add(socket);
  socket.once('close', () => open.delete(socket));
  return socket;
}

export const DEFAULT_SCHEMA = 'asof';

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new AsofError('registry_damaged', `${text} is beyond the whole numbers of the registry.`);
}
