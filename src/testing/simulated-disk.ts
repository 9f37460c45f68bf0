import { present } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { AsofError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { CrashError } from './memory-disk.ts';
import { SimulatedFile } from './simulated-file.ts';
import type { Life, SimulatedTime } from './simulated-time.ts';

export type DiskOperation =
  | 'open'
  | 'read'
  | 'append'
  | 'sync'
  | 'replace'
  | 'truncate'
  | 'remove'
  | 'make folder'
  | 'sync folder';

/** What goes wrong with a disk, and how slow it is; asked once for every operation. */
export interface DiskFaults {
  /** `crash` ends the process in the middle of the operation. */
  next(operation: DiskOperation, path: string): 'none' | 'io' | 'full' | 'crash';
  syncMs(path: string): number;
}

/** Defects of a disk itself: with one of them no program on it is safe. */
export interface DiskLies {
  /** Only of paths that begin with it. */
  readonly below?: string;
  /** Says that a file is synced, and syncs nothing. */
  readonly ignoresSyncs?: boolean;
  readonly ignoresFolderSyncs?: boolean;
  /** Says that a file is synced, and syncs it so much later. */
  readonly syncsLateMs?: number;
}

export interface SimulatedDiskOptions {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly faults: DiskFaults;
  readonly lies?: DiskLies;
}

/**
 * A machine's disk in memory: it outlives the processes that mount it, fails as it is told to, and
 * when power is lost keeps of what was not synced whatever the random source says: whole writes,
 * torn ones, in any combination, and new or removed names each for itself.
 */
export class SimulatedDisk {
  readonly #options: SimulatedDiskOptions;
  #names = new Map<string, SimulatedFile>();
  /** The names as the last sync of their folder left them. */
  #durableNames = new Map<string, SimulatedFile>();
  readonly #folders = new Set<string>();

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
  }

  /** The disk as one process sees it: from its end on every operation fails. */
  mount(life: Life): Disk {
    return new MountedDisk(this.#options, this, life);
  }

  /** For what looks at the disk from outside of any process. */
  get files(): ReadonlyMap<string, SimulatedFile> {
    return this.#names;
  }

  losePower(): void {
    const { random } = this.#options;
    const names = new Map<string, SimulatedFile>();
    for (const path of new Set([...this.#durableNames.keys(), ...this.#names.keys()])) {
      const before = this.#durableNames.get(path);
      const after = this.#names.get(path);
      const file = before === after || random.below(2) === 0 ? after : before;
      if (file !== undefined) names.set(path, file);
    }
    for (const file of names.values()) file.losePower(random);
    this.#names = names;
    this.#durableNames = new Map(names);
  }

  file(path: string): SimulatedFile {
    const file = this.#names.get(path);
    if (file === undefined) throw new AsofError('disk_failed', `Cannot read '${path}': no file.`);
    return file;
  }

  create(path: string): SimulatedFile {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (folder !== '' && folder !== '.' && !this.#folders.has(folder)) {
      throw new AsofError('disk_failed', `Cannot create '${path}': no folder '${folder}'.`);
    }
    const file = new SimulatedFile();
    this.#names.set(path, file);
    return file;
  }

  put(path: string, bytes: Uint8Array): void {
    this.create(path);
    const file = SimulatedFile.of(bytes);
    this.#names.set(path, file);
    this.#durableNames.set(path, file);
  }

  remove(path: string): void {
    this.#names.delete(path);
  }

  hasFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  addFolder(path: string): void {
    this.#folders.add(path);
  }

  syncNames(folder: string): void {
    if (this.#options.lies?.ignoresFolderSyncs === true) return;
    const isWithin = (path: string): boolean => path.startsWith(`${folder}/`);
    for (const path of [...this.#durableNames.keys()]) {
      if (isWithin(path)) this.#durableNames.delete(path);
    }
    for (const [path, file] of this.#names) if (isWithin(path)) this.#durableNames.set(path, file);
  }
}

class MountedDisk implements Disk {
  readonly #options: SimulatedDiskOptions;
  readonly #disk: SimulatedDisk;
  readonly #life: Life;

  constructor(options: SimulatedDiskOptions, disk: SimulatedDisk, life: Life) {
    this.#options = options;
    this.#disk = disk;
    this.#life = life;
  }

  openAppend(path: string): DiskFile {
    this.#attempt(this.exists(path) ? 'read' : 'open', path);
    const file = this.#disk.files.get(path) ?? this.#disk.create(path);
    return {
      get length() {
        return file.length;
      },
      append: (bytes) => this.#append(path, file, bytes),
      sync: () => this.#sync(path, file),
      close: () => {},
    };
  }

  read(path: string): Uint8Array<ArrayBuffer> {
    this.#attempt('read', path);
    return this.#disk.file(path).read();
  }

  readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.#attempt('read', path);
    return this.#disk.file(path).read(offset, offset + length);
  }

  exists(path: string): boolean {
    this.#alive();
    return this.#disk.files.has(path);
  }

  list(folder: string): string[] {
    this.#alive();
    const prefix = `${folder}/`;
    return [...this.#disk.files.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length))
      .sort();
  }

  size(path: string): number {
    this.#alive();
    return this.#disk.file(path).length;
  }

  replace(path: string, bytes: Uint8Array): void {
    const put = (): void => this.#disk.put(path, bytes);
    this.#attempt('replace', path, () => {
      if (this.#options.random.below(2) === 0) put();
    });
    put();
  }

  truncate(path: string, length: number): void {
    this.#attempt('truncate', path);
    this.#disk.file(path).truncate(length);
  }

  remove(path: string): void {
    this.#attempt('remove', path);
    this.#disk.remove(path);
  }

  makeFolder(path: string): void {
    this.#attempt(this.#disk.hasFolder(path) ? 'read' : 'make folder', path);
    this.#disk.addFolder(path);
  }

  syncFolder(path: string): void {
    this.#attempt('sync folder', path);
    this.#disk.syncNames(path);
  }

  #append(path: string, file: SimulatedFile, bytes: Uint8Array): void {
    const { random } = this.#options;
    // A write that fails may have been done in part.
    this.#attempt('append', path, () => {
      file.append(bytes.subarray(0, random.below(bytes.length + 1)));
    });
    file.append(bytes);
  }

  async #sync(path: string, file: SimulatedFile): Promise<void> {
    this.#alive();
    const { time, random, faults } = this.#options;
    const lies = path.startsWith(this.#options.lies?.below ?? '') ? this.#options.lies : undefined;
    const count = file.pending;
    if (lies?.syncsLateMs !== undefined) {
      time.after(lies.syncsLateMs, this.#life, () => file.settle(Math.min(count, file.pending)));
      return;
    }
    await time.wait(faults.syncMs(path), this.#life);
    // Changes of an earlier sync of the same file may be settled by now.
    const pending = Math.min(count, file.pending);
    this.#attempt('sync', path, (fault) => {
      if (fault !== 'crash') file.fail(pending, random);
    });
    if (lies?.ignoresSyncs !== true) file.settle(pending);
  }

  #alive(): void {
    if (this.#life.isOver) throw new CrashError('the process is gone');
  }

  #attempt(operation: DiskOperation, path: string, onFault?: (fault: string) => void): void {
    this.#alive();
    const fault = this.#options.faults.next(operation, path);
    if (fault === 'none') return;
    onFault?.(fault);
    if (fault === 'crash') {
      present(this.#life, 'a process').end();
      throw new CrashError(`crash in ${operation} of ${path}`);
    }
    const code = fault === 'full' ? 'disk_full' : 'disk_failed';
    throw new AsofError(code, `Cannot ${operation} '${path}': simulated.`);
  }
}
