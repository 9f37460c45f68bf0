import { crc32 } from 'node:zlib';
import { type Database, open, type RootDatabase } from 'lmdb';
import { AsofError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import {
  type CheckpointCommit,
  type CheckpointMeta,
  type CheckpointWritten,
  corruptState,
  DELETED,
  decodeMeta,
  encodeMeta,
  STATE_FORMAT,
} from './checkpoint-format.ts';
import { lmdbDamage } from './lmdb-header.ts';

const META = 'checkpoint';
const CHECKSUM_BYTES = 4;

type Rows = Database<Buffer, number>;

/**
 * The checkpoint on disk: one LMDB environment with one database of rows a group. Every write is
 * one synchronous transaction, so rows and position can never disagree.
 */
export class CheckpointFile {
  readonly #root: RootDatabase<Buffer, string>;
  readonly #rows = new Map<string, Rows>();

  private constructor(root: RootDatabase<Buffer, string>) {
    this.#root = root;
  }

  /** @throws AsofError `corrupt_state` */
  static open(folder: string): CheckpointFile {
    const damage = lmdbDamage(folder);
    if (damage !== null) {
      throw corruptState(`The state in '${folder}' cannot be opened: ${damage}.`);
    }
    try {
      const root = open<Buffer, string>({
        path: folder,
        encoding: 'binary',
        maxDbs: LIMITS.storedGroups,
        // A transaction is on disk when it returns: no answer ever rests on an unsynced one.
        overlappingSync: false,
      });
      return new CheckpointFile(root);
    } catch (cause) {
      if (isDiskFailure(cause)) throw diskFailure(cause);
      throw corruptState(`The state in '${folder}' cannot be opened.`, cause);
    }
  }

  /** null where no checkpoint has been written. */
  readMeta(): CheckpointMeta | null {
    const bytes = this.#root.getBinary(META);
    return bytes === undefined ? null : decodeMeta(bytes);
  }

  /**
   * Takes over from whoever wrote before: its later writes are refused. Without a checkpoint there
   * is one at commit 0 from now on.
   */
  claim(): CheckpointMeta {
    return this.#root.transactionSync(() => {
      const before = this.readMeta();
      const empty = { commit: 0, newestArrivalMs: 0, sources: {} };
      const meta: CheckpointMeta = {
        format: STATE_FORMAT,
        generation: (before?.generation ?? 0) + 1,
        position: before?.position ?? empty,
        groups: before?.groups ?? [],
      };
      this.#root.putSync(META, Buffer.from(encodeMeta(meta)));
      return meta;
    });
  }

  /** Every row of a group, ascending; the bytes are valid only until the next one. */
  *readRows(group: string, rowBound: number): Iterable<{ row: number; bytes: Uint8Array }> {
    const rows = this.#rowsOf(group);
    for (let row = 0; row < rowBound; row++) {
      const stored = rows.getBinaryFast(row);
      if (stored === undefined) continue;
      const size = stored.length - CHECKSUM_BYTES;
      const bytes = size < 0 ? stored : stored.subarray(0, size);
      if (size < 0 || stored.readUInt32LE(size) !== crc32(bytes)) {
        throw corruptState(`Row ${row} of the tile group '${group}' fails its checksum.`);
      }
      yield { row, bytes };
    }
  }

  /**
   * Applies encoded records (`u32 group, u32 row, u32 length or DELETED, bytes`; the group is an
   * index into the meta's groups) and the meta in one transaction.
   */
  write(chunks: readonly Uint8Array[], commit: CheckpointCommit): CheckpointWritten {
    const databases = commit.meta.groups.map((group) => this.#rowsOf(group.id));
    const dropped = commit.dropped.map((id) => this.#rowsOf(id));
    const written = { puts: 0, deletes: 0 };
    try {
      this.#root.transactionSync(() => {
        this.#checkFence(commit);
        for (const chunk of chunks) writeChunk(chunk, databases, written);
        for (const database of dropped) database.clearSync();
        this.#root.putSync(META, Buffer.from(encodeMeta(commit.meta)));
      });
    } catch (cause) {
      throw isDiskFailure(cause) ? diskFailure(cause) : cause;
    }
    return written;
  }

  close(): Promise<void> {
    return this.#root.close();
  }

  #checkFence({ meta, baseCommit }: CheckpointCommit): void {
    const stored = this.readMeta();
    if (stored?.generation !== meta.generation || stored.position.commit !== baseCommit) {
      throw new AsofError(
        'directory_in_use',
        `The state was taken over: generation ${stored?.generation} at commit ` +
          `${stored?.position.commit}, not ${meta.generation} at ${baseCommit}.`,
      );
    }
  }

  #rowsOf(group: string): Rows {
    let rows = this.#rows.get(group);
    if (rows === undefined) {
      rows = this.#root.openDB<Buffer, number>(`group:${group}`, {
        encoding: 'binary',
        keyEncoding: 'uint32',
      });
      this.#rows.set(group, rows);
    }
    return rows;
  }
}

function writeChunk(
  chunk: Uint8Array,
  databases: readonly Rows[],
  written: { puts: number; deletes: number },
): void {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let at = 0;
  while (at < chunk.length) {
    const rows = databases[view.getUint32(at, true)];
    if (rows === undefined) throw corruptState('A checkpoint record names no group.');
    const row = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    at += 12;
    if (length === DELETED) {
      rows.removeSync(row);
      written.deletes += 1;
      continue;
    }
    const stored = Buffer.allocUnsafe(length + CHECKSUM_BYTES);
    stored.set(chunk.subarray(at, at + length));
    stored.writeUInt32LE(crc32(stored.subarray(0, length)), length);
    rows.putSync(row, stored);
    written.puts += 1;
    at += length;
  }
}

const DISK_FAILURE = /no space|input\/output|read-only|permission denied|quota/i;

function isDiskFailure(cause: unknown): boolean {
  return cause instanceof Error && DISK_FAILURE.test(cause.message);
}

function diskFailure(cause: unknown): AsofError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const code = /no space|quota/i.test(text) ? 'disk_full' : 'disk_failed';
  return new AsofError(code, `The state could not be written: ${text}.`, { cause });
}
