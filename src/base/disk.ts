/**
 * The file operations that durability rests on, passed in so that tests can tear, fail and lose
 * writes. Paths are relative to the disk's root. Failures throw `disk_full` or `disk_failed`.
 */
export interface Disk {
  /** Opens for appending, creating it if it is absent. */
  openAppend(path: string): DiskFile;
  read(path: string): Uint8Array<ArrayBuffer>;
  /** A part of a file; shorter where the file ends before it. */
  readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer>;
  exists(path: string): boolean;
  /** File names of a folder, sorted; empty if it does not exist. */
  list(folder: string): string[];
  size(path: string): number;
  /** Replaces a file as a whole, durably: write aside, sync, rename, sync the folder. */
  replace(path: string, bytes: Uint8Array): void;
  truncate(path: string, length: number): void;
  remove(path: string): void;
  makeFolder(path: string): void;
  syncFolder(path: string): void;
}

export interface DiskFile {
  readonly length: number;
  /** Appends at the end; durable only after `sync` resolves. */
  append(bytes: Uint8Array): void;
  sync(): Promise<void>;
  close(): void;
}
