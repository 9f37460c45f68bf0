import { crc32 } from 'node:zlib';
import { AsofError } from '../base/errors.ts';
import {
  type CheckpointCommit,
  type CheckpointMeta,
  type CheckpointWritten,
  corruptState,
  DELETED,
  decodeMeta,
  encodeMeta,
  STATE_FORMAT,
} from '../store/checkpoint-format.ts';
import type { CheckpointWriter } from '../store/checkpoint-writer.ts';
import type { StateReader, StateStore } from '../store/state-store.ts';
import { CrashError } from './memory-disk.ts';
import type { Life, SimulatedTime } from './simulated-time.ts';

/** What goes wrong with a state store, and how slow it is; asked once for every operation. */
export interface StateFaults {
  /**
   * `io` and `full` change nothing; with `unsure` the transaction fails too, and whether it was done
   * nobody can say; `crash` ends the process in the middle of it.
   */
  next(operation: 'open' | 'claim' | 'commit'): 'none' | 'io' | 'full' | 'unsure' | 'crash';
  commitMs(): number;
  /** Of `unsure` and `crash`: whether the transaction was done after all. */
  isDone(): boolean;
}

interface StoredRow {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly checksum: number;
}

export interface SimulatedStateOptions {
  readonly time: SimulatedTime;
  readonly faults: StateFaults;
  /** Told of every transaction that was done. */
  readonly onStored?: (meta: CheckpointMeta) => void;
  /** A defect: a transaction that a crash cuts short leaves its position and half of its rows. */
  readonly tears?: boolean;
}

/** Checkpoints in memory behind the port of the state store: they outlive the processes. */
export class SimulatedState {
  readonly #options: SimulatedStateOptions;
  #meta: Uint8Array | null = null;
  #groups = new Map<string, Map<number, StoredRow>>();

  constructor(options: SimulatedStateOptions) {
    this.#options = options;
  }

  get rowCount(): number {
    return [...this.#groups.values()].reduce((sum, rows) => sum + rows.size, 0);
  }

  /** As an operator would delete the folder. */
  clear(): void {
    this.#meta = null;
    this.#groups = new Map();
  }

  /** Flips one bit of the `nth` row that has any; answers whether there was one. */
  corrupt(nth: number, bit: number): boolean {
    const rows = [...this.#groups.values()].flatMap((group) => [...group.values()]);
    const row = rows.filter(({ bytes }) => bytes.length > 0)[nth];
    if (row === undefined) return false;
    const at = (bit >> 3) % row.bytes.length;
    row.bytes[at] = (row.bytes[at] ?? 0) ^ (1 << (bit & 7));
    return true;
  }

  mount(life: Life): StateStore {
    return { open: () => this.#open(life), writer: () => new Writer(this.#options, this, life) };
  }

  /** @throws AsofError `directory_in_use` */
  write(chunks: readonly Uint8Array[], commit: CheckpointCommit, share = 1): CheckpointWritten {
    const stored = this.#meta === null ? null : decodeMeta(this.#meta);
    const { generation, position } = commit.meta;
    if (stored?.generation !== generation || stored.position.commit !== commit.baseCommit) {
      throw new AsofError(
        'directory_in_use',
        `The state was taken over: generation ${stored?.generation} at commit ` +
          `${stored?.position.commit}, not ${generation} at ${commit.baseCommit}.`,
      );
    }
    const written = { puts: 0, deletes: 0 };
    const ids = commit.meta.groups.map(({ id }) => id);
    for (const chunk of chunks.slice(0, Math.ceil(chunks.length * share))) {
      this.#writeChunk(chunk, ids, written);
    }
    for (const id of commit.dropped) this.#groups.delete(id);
    this.#meta = encodeMeta(commit.meta);
    this.#options.onStored?.({ ...commit.meta, position });
    return written;
  }

  #writeChunk(chunk: Uint8Array, ids: readonly string[], written: CheckpointWritten): void {
    const counts: { puts: number; deletes: number } = written;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < chunk.length; ) {
      const id = ids[view.getUint32(at, true)];
      if (id === undefined) throw corruptState('A checkpoint record names no group.');
      const rows = this.#groups.get(id) ?? new Map<number, StoredRow>();
      this.#groups.set(id, rows);
      const row = view.getUint32(at + 4, true);
      const length = view.getUint32(at + 8, true);
      at += 12;
      if (length === DELETED) {
        rows.delete(row);
        counts.deletes += 1;
        continue;
      }
      const bytes = new Uint8Array(chunk.subarray(at, at + length));
      rows.set(row, { bytes, checksum: crc32(bytes) });
      counts.puts += 1;
      at += length;
    }
  }

  #open(life: Life): StateReader {
    failAs(this.#options, 'open', life);
    return {
      claim: () => {
        failAs(this.#options, 'claim', life);
        const before = this.#meta === null ? null : decodeMeta(this.#meta);
        const meta: CheckpointMeta = {
          format: STATE_FORMAT,
          generation: (before?.generation ?? 0) + 1,
          position: before?.position ?? { commit: 0, newestArrivalMs: 0, sources: {} },
          groups: before?.groups ?? [],
        };
        this.#meta = encodeMeta(meta);
        return meta;
      },
      readRows: (group, rowBound) => this.#readRows(group, rowBound),
      close: async () => {},
    };
  }

  *#readRows(group: string, rowBound: number): Iterable<{ row: number; bytes: Uint8Array }> {
    const rows = this.#groups.get(group);
    for (const row of [...(rows?.keys() ?? [])].sort((a, b) => a - b)) {
      const stored = rows?.get(row);
      if (stored === undefined || row >= rowBound) continue;
      if (crc32(stored.bytes) !== stored.checksum) {
        throw corruptState(`Row ${row} of the tile group '${group}' fails its checksum.`);
      }
      yield { row, bytes: stored.bytes };
    }
  }
}

class Writer implements CheckpointWriter {
  readonly #options: SimulatedStateOptions;
  readonly #state: SimulatedState;
  readonly #life: Life;
  #chunks: Uint8Array[] = [];

  constructor(options: SimulatedStateOptions, state: SimulatedState, life: Life) {
    this.#options = options;
    this.#state = state;
    this.#life = life;
  }

  add(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk);
  }

  async commit(commit: CheckpointCommit): Promise<CheckpointWritten> {
    const { time, faults, tears } = this.#options;
    const chunks = this.#chunks;
    this.#chunks = [];
    // The writer may be a thread: what it was told it does, as long as the process lives.
    await time.wait(faults.commitMs(), this.#life);
    const write = (share = 1): CheckpointWritten => this.#state.write(chunks, commit, share);
    failAs(this.#options, 'commit', this.#life, (fault) => {
      if (tears === true && fault === 'crash') write(0.5);
      else if (fault !== 'io' && fault !== 'full' && faults.isDone()) write();
    });
    return write();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function failAs(
  { faults }: SimulatedStateOptions,
  operation: 'open' | 'claim' | 'commit',
  life: Life,
  onFault?: (fault: string) => void,
): void {
  if (life.isOver) throw new CrashError('the process is gone');
  const fault = faults.next(operation);
  if (fault === 'none') return;
  onFault?.(fault);
  if (fault === 'crash') {
    life.end();
    throw new CrashError(`crash in the ${operation} of the state`);
  }
  const code = fault === 'full' ? 'disk_full' : 'disk_failed';
  throw new AsofError(code, `The state could not be written: simulated ${fault}.`);
}
