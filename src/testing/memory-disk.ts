import type { Disk, DiskFile } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';

/** What goes wrong at an operation: a crash ends the process, the others are answered. */
export type Fault = 'crash' | 'full' | 'io';

export interface FaultPlan {
  /** Counted from 1 over all operations that change the disk. */
  readonly atOperation: number;
  readonly fault: Fault;
  /** How many operations in a row fail; a crash lasts for ever. */
  readonly count?: number;
}

interface StoredFile {
  /** What the process sees. */
  bytes: Uint8Array<ArrayBuffer>;
  /** What is certain to survive a crash. */
  synced: Uint8Array<ArrayBuffer>;
}

/** Thrown for every operation after the simulated crash. */
export class CrashError extends Error {
  override name = 'CrashError';
}

/**
 * A disk in memory that forgets on a crash what was not synced: an unsynced tail survives in part,
 * with holes or garbage; a new name is lost unless its folder was synced, and a folder with all it
 * holds unless it was synced in its own; an unsynced truncation may not have happened. All by the
 * given random source, so one seed replays a run.
 */
export class MemoryDisk implements Disk {
  readonly #random: Random;
  #names = new Map<string, StoredFile>();
  /** The names as the last sync of their folder left them. */
  #durableNames = new Map<string, StoredFile>();
  readonly #folders = new Set<string>();
  /** Those that were synced in the folder that holds them. */
  readonly #durableFolders = new Set<string>();
  #plans: FaultPlan[] = [];
  #capacity = Number.POSITIVE_INFINITY;
  #crashed = false;
  operations = 0;
  /** Paths in the order of their syncs, for tests of durability order. */
  readonly syncs: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  failAt(...plans: FaultPlan[]): void {
    this.#plans = plans;
  }

  /** Total bytes the disk holds before it is full. */
  limitTo(bytes: number): void {
    this.#capacity = bytes;
  }

  /** Flips one bit of a file, as a bad sector would. */
  corrupt(path: string, offset: number, bit = 0): void {
    const file = this.#file(path);
    for (const bytes of new Set([file.bytes, file.synced])) {
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
    }
  }

  /** The disk as the next process finds it after power was lost. */
  afterCrash(): MemoryDisk {
    const next = new MemoryDisk(this.#random);
    next.#addFolders(this.#durableFolders);
    for (const [path, file] of this.#durableNames) {
      if (!foldersAbove(path).every((folder) => this.#durableFolders.has(folder))) continue;
      const bytes = this.#survivors(file);
      const stored = { bytes, synced: bytes };
      next.#names.set(path, stored);
      next.#durableNames.set(path, stored);
    }
    return next;
  }

  /** The disk as the next process finds it after kill -9: the system still holds every write. */
  afterKill(): MemoryDisk {
    const next = new MemoryDisk(this.#random);
    const copies = new Map<StoredFile, StoredFile>();
    const copyOf = (file: StoredFile): StoredFile => {
      const copy = copies.get(file) ?? { bytes: file.bytes.slice(), synced: file.synced.slice() };
      copies.set(file, copy);
      return copy;
    };
    for (const [path, file] of this.#names) next.#names.set(path, copyOf(file));
    for (const [path, file] of this.#durableNames) next.#durableNames.set(path, copyOf(file));
    next.#addFolders(this.#durableFolders);
    for (const folder of this.#folders) next.#folders.add(folder);
    return next;
  }

  openAppend(path: string): DiskFile {
    let file = this.#names.get(path);
    if (file === undefined) {
      this.#needFolder(path);
      this.#change('open', path);
      file = { bytes: new Uint8Array(0), synced: new Uint8Array(0) };
      this.#names.set(path, file);
    }
    return this.#handle(path, file);
  }

  read(path: string): Uint8Array<ArrayBuffer> {
    this.#alive();
    return this.#file(path).bytes.slice();
  }

  readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.#alive();
    return this.#file(path).bytes.slice(offset, offset + length);
  }

  exists(path: string): boolean {
    this.#alive();
    return this.#names.has(path);
  }

  list(folder: string): string[] {
    this.#alive();
    const prefix = `${folder}/`;
    return [...this.#names.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length))
      .sort();
  }

  size(path: string): number {
    this.#alive();
    return this.#file(path).bytes.length;
  }

  replace(path: string, bytes: Uint8Array): void {
    this.#needFolder(path);
    this.#change('replace', path);
    this.#takeRoom(path, bytes.length - (this.#names.get(path)?.bytes.length ?? 0));
    const copy = bytes.slice();
    const file = { bytes: copy, synced: copy };
    this.#names.set(path, file);
    this.#durableNames.set(path, file);
    this.syncs.push(path);
  }

  truncate(path: string, length: number): void {
    this.#change('truncate', path);
    const file = this.#file(path);
    file.bytes = file.bytes.slice(0, length);
  }

  remove(path: string): void {
    this.#change('remove', path);
    this.#names.delete(path);
  }

  makeFolder(path: string): void {
    this.#alive();
    const levels = foldersAbove(`${path}/`).filter((level) => !this.#durableFolders.has(level));
    for (const level of levels) {
      if (!this.#folders.has(level)) this.#change('make folder', level);
      this.#folders.add(level);
    }
    for (const level of levels) {
      this.#change('sync the folder of', level);
      this.#durableFolders.add(level);
    }
  }

  syncFolder(folder: string): void {
    this.#change('sync folder', folder);
    const within = (path: string): boolean => path.startsWith(`${folder}/`);
    for (const path of this.#durableNames.keys()) if (within(path)) this.#durableNames.delete(path);
    for (const [path, file] of this.#names) if (within(path)) this.#durableNames.set(path, file);
    this.syncs.push(folder);
  }

  #handle(path: string, file: StoredFile): DiskFile {
    const append = (bytes: Uint8Array): void => {
      let kept = bytes;
      let failure: unknown = null;
      try {
        this.#change('append to', path);
        this.#takeRoom(path, bytes.length);
      } catch (error) {
        failure = error;
        kept = bytes.subarray(0, this.#random.below(bytes.length + 1));
      }
      const joined = new Uint8Array(file.bytes.length + kept.length);
      joined.set(file.bytes);
      joined.set(kept, file.bytes.length);
      file.bytes = joined;
      if (failure !== null) throw failure;
    };
    const sync = async (): Promise<void> => {
      // Another turn of the loop, so that appends can gather as they do behind a real sync.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const fault = this.#faultOf('sync', path);
      if (fault !== null) throw fault;
      file.synced = file.bytes.slice();
      this.syncs.push(path);
    };
    return {
      get length() {
        return file.bytes.length;
      },
      append,
      sync,
      close: () => {},
    };
  }

  #file(path: string): StoredFile {
    const file = this.#names.get(path);
    if (file === undefined) throw new AsofError('disk_failed', `Cannot read '${path}': no file.`);
    return file;
  }

  #needFolder(path: string): void {
    this.#alive();
    const missing = foldersAbove(path).find((folder) => !this.#folders.has(folder));
    if (missing === undefined) return;
    throw new AsofError('disk_failed', `Cannot create '${path}': no folder '${missing}'.`);
  }

  #addFolders(durable: Iterable<string>): void {
    for (const folder of durable) {
      this.#folders.add(folder);
      this.#durableFolders.add(folder);
    }
  }

  #alive(): void {
    if (this.#crashed) throw new CrashError('the process is gone');
  }

  #change(what: string, path: string): void {
    const fault = this.#faultOf(what, path);
    if (fault !== null) throw fault;
  }

  #faultOf(what: string, path: string): Error | null {
    if (this.#crashed) return new CrashError('the process is gone');
    this.operations += 1;
    for (const { atOperation, fault, count = 1 } of this.#plans) {
      if (this.operations < atOperation || this.operations >= atOperation + count) continue;
      if (fault === 'crash') {
        this.#crashed = true;
        return new CrashError(`crash at operation ${this.operations}`);
      }
      const code = fault === 'full' ? 'disk_full' : 'disk_failed';
      return new AsofError(code, `Cannot ${what} '${path}' (operation ${this.operations}).`);
    }
    return null;
  }

  #takeRoom(path: string, growth: number): void {
    let used = growth;
    for (const file of this.#names.values()) used += file.bytes.length;
    if (growth > 0 && used > this.#capacity) {
      throw new AsofError('disk_full', `Cannot write '${path}': no space left.`);
    }
  }

  #survivors(file: StoredFile): Uint8Array<ArrayBuffer> {
    const { bytes, synced } = file;
    if (bytes === synced || this.#random.below(4) === 0) return synced.slice();
    if (bytes.length <= synced.length) {
      return this.#random.below(2) === 0 ? synced.slice() : bytes.slice();
    }
    const extra = this.#random.below(bytes.length - synced.length + 1);
    const kept = bytes.slice(0, synced.length + extra);
    // The size of a file may reach the disk before its bytes do: then they read as zeros.
    if (extra > 0 && this.#random.below(2) === 0) {
      const hole = synced.length + this.#random.below(extra);
      kept.fill(0, hole, Math.min(kept.length, hole + 1 + this.#random.below(extra)));
    }
    return kept;
  }
}

/** The folders that hold a path, the outermost first. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
