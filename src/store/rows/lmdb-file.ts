import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase, TransactionFlags } from 'lmdb';
import { AsofError } from '../../base/errors.ts';
import { SERVING_LIMITS } from '../../base/serving-limits.ts';
import { UncleanEnds, whyNotMapped } from './lmdb-health.ts';

const FILE = 'rows.mdb';
/** Aborted as a whole on an error, visible when it returns, synced to disk behind. */
const FLAGS: TransactionFlags =
  TransactionFlags.ABORTABLE | TransactionFlags.SYNCHRONOUS_COMMIT | TransactionFlags.NO_SYNC_FLUSH;

type Rows = Database<Buffer, Buffer>;

/** The three tables of one LMDB file, as far as `LmdbRows` needs them. */
export interface LmdbTables {
  readonly root: RootDatabase<Buffer, Buffer>;
  /** What the rows speak for, and the names of their groups. */
  readonly meta: Rows;
  readonly rows: Rows;
  /** Rows that wait for the next head. */
  readonly waiting: Rows;
}

export interface LmdbFileOptions {
  /** A folder of its own. */
  readonly path: string;
  /** A reader opens what is there; a publisher makes it. */
  readonly isReader: boolean;
  readonly stopwatchMs: () => number;
}

/**
 * One LMDB file that several processes map. It can be removed and made anew while others have it
 * open: they look now and then whether the file by that name is still theirs.
 */
export class LmdbFile {
  readonly #options: LmdbFileOptions;
  readonly #ends: UncleanEnds;
  #tables: LmdbTables | null = null;
  #inode = 0;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #readersCheckedMs = Number.NEGATIVE_INFINITY;

  constructor(options: LmdbFileOptions) {
    this.#options = options;
    this.#ends = new UncleanEnds(join(options.path, `${FILE}-open`));
  }

  /** @throws AsofError `store_unavailable` */
  tables(): LmdbTables {
    const nowMs = this.#options.stopwatchMs();
    if (nowMs - this.#checkedMs >= SERVING_LIMITS.lmdbFileCheckMs) {
      this.#checkedMs = nowMs;
      if (this.#tables !== null && this.#fileInode() !== this.#inode) this.#closeNow();
    }
    this.#tables ??= this.#open();
    return this.#tables;
  }

  /** Runs `change` as one transaction: all of it is done, or nothing. */
  transact<T>(change: (tables: LmdbTables) => T): T {
    const tables = this.tables();
    const nowMs = this.#options.stopwatchMs();
    if (nowMs - this.#readersCheckedMs >= SERVING_LIMITS.lmdbReaderCheckMs) {
      this.#readersCheckedMs = nowMs;
      tables.root.readerCheck();
    }
    return asUnavailable(() => tables.root.transactionSync(() => change(tables), FLAGS));
  }

  /** Bytes of pages that hold something. */
  usedBytes(): number {
    const { meta, rows, waiting } = this.tables();
    let pages = 0;
    for (const table of [meta, rows, waiting]) {
      const stats: Partial<Record<string, unknown>> = table.getStats();
      for (const part of ['treeBranchPageCount', 'treeLeafPageCount', 'overflowPages']) {
        pages += Number(stats[part] ?? 0) * Number(stats.pageSize ?? 0);
      }
    }
    return pages;
  }

  /** Ends a damaged file and begins an empty one. */
  wipe(): void {
    try {
      this.#closeNow();
    } catch {
      // What is damaged may not even close; its file goes anyway.
    }
    this.#remove();
  }

  async close(): Promise<void> {
    const tables = this.#tables;
    this.#tables = null;
    if (tables === null) return;
    await tables.root.close();
    if (!this.#options.isReader) this.#ends.end();
  }

  #open(): LmdbTables {
    const { path, isReader } = this.#options;
    if (isReader && this.#fileInode() === 0) {
      throw new AsofError('store_unavailable', 'No publisher has made the LMDB file yet.');
    }
    const why = whyNotMapped(join(path, FILE));
    if (why !== null) throw new AsofError('store_unavailable', `The LMDB file is unfit: ${why}.`);
    return asUnavailable(() => {
      mkdirSync(path, { recursive: true });
      if (!isReader && this.#ends.begin()) this.#remove();
      const form = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
      const root = open<Buffer, Buffer>({
        ...form,
        path: join(path, FILE),
        readOnly: isReader,
        maxReaders: SERVING_LIMITS.lmdbReaders,
        maxDbs: 4,
      });
      const table = (name: string): Rows => root.openDB<Buffer, Buffer>({ ...form, name });
      this.#inode = this.#fileInode();
      return { root, meta: table('meta'), rows: table('rows'), waiting: table('waiting') };
    });
  }

  #remove(): void {
    for (const name of [FILE, `${FILE}-lock`]) {
      rmSync(join(this.#options.path, name), { force: true });
    }
  }

  #closeNow(): void {
    const tables = this.#tables;
    this.#tables = null;
    // A reader has nothing to wait for, and a publisher that lost its file writes nothing more to it.
    void tables?.root.close().catch(() => undefined);
  }

  #fileInode(): number {
    return statSync(join(this.#options.path, FILE), { throwIfNoEntry: false })?.ino ?? 0;
  }
}

/** What LMDB itself says is the store's fault; what we say goes through. */
export function asUnavailable<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof AsofError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AsofError('store_unavailable', `LMDB does not work: ${reason}`, { cause });
  }
}
