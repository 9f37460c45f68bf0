import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { pause } from '../base/pause.ts';
import { isBusy, sqliteError, textWithoutNul } from './database-errors.ts';

/** The first wait for another process's lock, and the longest. */
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

/** A file of SQLite, by one connection; `:memory:` is nobody else's. */
export function openSqlite(path: string): Dialect {
  return {
    createDriver: () => new SqliteFileDriver(path),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

class SqliteFileDriver implements Driver {
  readonly #path: string;
  #db: DatabaseSync | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async init(): Promise<void> {
    try {
      const db = new DatabaseSync(this.#path);
      this.#db = db;
      // SQLite's own waiting would stop everything else in this process.
      db.exec('PRAGMA busy_timeout = 0');
      await whenFree(this.#path, () => {
        db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      });
    } catch (cause) {
      this.#db?.close();
      this.#db = null;
      throw sqliteError(cause, this.#path);
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#db === null) throw new AsofError('registry_away', 'The registry is closed.');
    return new SqliteFile(this.#db, this.#path);
  }

  /** A lock on writing is taken at once: what is read in the transaction stays so. */
  async beginTransaction(
    connection: DatabaseConnection,
    { accessMode }: TransactionSettings,
  ): Promise<void> {
    const begin = accessMode === 'read only' ? 'BEGIN' : 'BEGIN IMMEDIATE';
    await connection.executeQuery(raw(begin));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(raw('COMMIT'));
  }

  /** A full disk or a failing one has ended the transaction already. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#db?.isTransaction === true) await connection.executeQuery(raw('ROLLBACK'));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#db?.close();
    this.#db = null;
  }
}

class SqliteFile implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #path: string;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return whenFree(this.#path, () => this.#run<R>(query));
  }

  #run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const statement = this.#db.prepare(sql);
    const values = parameters.map(sqlValue);
    if (statement.columns().length > 0) {
      // What a row holds is what the query says that it selects.
      return { rows: statement.all(...values) as R[] };
    }
    return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
  }

  // biome-ignore lint/correctness/useYield: kysely asks for it; nothing of ours streams.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new AsofError('internal', 'Queries of the registry are not streamed.');
  }
}

/** Waits for other processes' locks, a little longer each time, and lets others run meanwhile. */
async function whenFree<T>(path: string, work: () => T): Promise<T> {
  let waitMs = FIRST_WAIT_MS;
  for (let waitedMs = 0; ; waitedMs += waitMs) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || waitedMs >= LIMITS.registryBusyMs) throw sqliteError(error, path);
    }
    await pause(waitMs);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

function sqlValue(value: unknown): SQLInputValue {
  if (typeof value === 'string') return textWithoutNul(value);
  if (typeof value === 'number' || value === null) return value;
  throw new AsofError('internal', `A ${typeof value} is no value of the registry.`);
}

function raw(sql: string): CompiledQuery {
  return {
    sql,
    parameters: [],
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: sql },
  };
}
