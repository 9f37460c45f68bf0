import { rmSync } from 'node:fs';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBMaterializedResult } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { AsofError } from '../base/errors.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import { sqlString } from './archive-relation.ts';
import { duckDbError } from './duckdb-error.ts';
import { createSpillFolder } from './spill-folder.ts';
import { tokenFunction } from './token-function.ts';

export interface DuckDbOptions {
  /** Bytes of memory DuckDB may hold; what does not fit is spilled. Default: its own, 80 %. */
  readonly memoryBytes?: number;
  /** Folder below which what does not fit into memory goes, into a folder of this session's own. */
  readonly spillFolder?: string;
  readonly threads?: number;
  /** Lets statements make tokens of ids; what is spilled is then encrypted, as it may hold some. */
  readonly tokenizer?: Tokenizer | null;
  /** False lets a query give up the order of its input for speed. Default: true. */
  readonly preserveInsertionOrder?: boolean;
  /** Calls `tick` every `everyMs` until the function it returned is called. */
  readonly every?: (everyMs: number, tick: () => void) => () => void;
}

export interface RunOptions {
  /** The share of the running statement that is done, in [0, 1], rising; needs `every`. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
}

const PROGRESS_EVERY_MS = 100;

/** The built-in library draws its nonces from no cryptographic source; the key lives in memory alone. */
const ENCRYPTED_SPILL = ['SET force_mbedtls_unsafe = true', 'SET temp_file_encryption = true'];

/**
 * One in-memory DuckDB with bounded memory, UTC, and no way to the network. A session runs one
 * statement at a time; `connect` gives another session on the same database.
 */
export class DuckDbSession {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;
  readonly #options: DuckDbOptions;
  readonly #owner: boolean;
  #spill: string | null = null;

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    options: DuckDbOptions,
    owner: boolean,
  ) {
    this.#instance = instance;
    this.connection = connection;
    this.#options = options;
    this.#owner = owner;
  }

  static async open(options: DuckDbOptions = {}): Promise<DuckDbSession> {
    try {
      const instance = await DuckDBInstance.create(':memory:', {
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
      });
      const session = new DuckDbSession(instance, await instance.connect(), options, true);
      await session.#configure();
      return session;
    } catch (cause) {
      throw duckDbError(cause, 'open the database');
    }
  }

  async #configure(): Promise<void> {
    const { memoryBytes, spillFolder, preserveInsertionOrder = true } = this.#options;
    const settings = [`SET preserve_insertion_order = ${preserveInsertionOrder}`];
    if (memoryBytes !== undefined) settings.push(`SET memory_limit = '${memoryBytes}B'`);
    if (spillFolder !== undefined) {
      this.#spill = createSpillFolder(spillFolder);
      settings.push(`SET temp_directory = ${sqlString(this.#spill)}`);
    }
    if (this.#options.tokenizer) settings.push(...ENCRYPTED_SPILL);
    await this.connection.run(settings.join(';\n'));
    if (this.#options.tokenizer) {
      this.connection.registerScalarFunction(tokenFunction(this.#options.tokenizer));
    }
    await this.#configureConnection();
  }

  async #configureConnection(): Promise<void> {
    await this.connection.run(
      `SET TimeZone = 'UTC';
       SET enable_progress_bar = true;
       SET enable_progress_bar_print = false;
       SET progress_bar_time = 0`,
    );
  }

  /** @throws AsofError `token_key_missing` where statements cannot make tokens */
  requireTokens(what: string): void {
    if (this.#options.tokenizer) return;
    const message = `Ids of '${what}' are tokenized, and there is no key to do that with.`;
    throw new AsofError('token_key_missing', message, { path: what });
  }

  /** A session of its own on the same database; close it before this one. */
  async connect(): Promise<DuckDbSession> {
    try {
      const connection = await this.#instance.connect();
      const session = new DuckDbSession(this.#instance, connection, this.#options, false);
      await session.#configureConnection();
      return session;
    } catch (cause) {
      throw duckDbError(cause, 'connect to the database');
    }
  }

  /**
   * Runs statements to their end; the result is that of the last.
   * @throws AsofError by `duckDbError`, or the signal's reason
   */
  async run(sql: string, options: RunOptions = {}): Promise<DuckDBMaterializedResult> {
    const { signal } = options;
    signal?.throwIfAborted();
    let isDone = false;
    // An interruption before the statement has begun is lost, so it is repeated until it works.
    const interrupt = (): void => {
      if (isDone) return;
      this.connection.interrupt();
      setImmediate(interrupt);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    const stopPolling = this.#poll(options.onProgress);
    try {
      return await this.connection.run(sql);
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#failure(cause, sql);
    } finally {
      isDone = true;
      stopPolling();
      signal?.removeEventListener('abort', interrupt);
    }
  }

  /** Whoever makes tokens reads ids, which no error may tell. */
  #failure(cause: unknown, sql: string): AsofError {
    return duckDbError(cause, sql, Boolean(this.#options.tokenizer));
  }

  #poll(onProgress: ((share: number) => void) | undefined): () => void {
    const { every } = this.#options;
    if (onProgress === undefined || every === undefined) return () => {};
    let shown = 0;
    return every(PROGRESS_EVERY_MS, () => {
      const share = Math.min(1, this.connection.progress.percentage / 100);
      if (share <= shown) return;
      shown = share;
      onProgress(share);
    });
  }

  /** The rows of a small result as plain values. */
  async rows(sql: string): Promise<unknown[][]> {
    const result = await this.run(sql);
    return result.getRows();
  }

  /**
   * The chunks of a result as they are computed, the next one while the caller works on this one;
   * no other statement may run meanwhile.
   */
  async *chunks(sql: string): AsyncGenerator<DuckDBDataChunk, void, void> {
    let ahead: Promise<DuckDBDataChunk | null> = Promise.resolve(null);
    try {
      const result = await this.connection.stream(sql);
      const fetch = (): Promise<DuckDBDataChunk | null> => {
        const next = result.fetchChunk();
        // Whoever awaits it sees the failure; until then it must not count as unhandled.
        next.catch(() => {});
        return next;
      };
      ahead = fetch();
      for (;;) {
        const chunk = await ahead;
        if (chunk === null || chunk.rowCount === 0) return;
        ahead = fetch();
        yield chunk;
      }
    } catch (cause) {
      throw this.#failure(cause, sql);
    } finally {
      await ahead.catch(() => null);
    }
  }

  close(): void {
    this.connection.closeSync();
    if (this.#owner) this.#instance.closeSync();
    if (this.#spill !== null) rmSync(this.#spill, { recursive: true, force: true });
  }
}
