import type { Disk, DiskFile } from '../../src/base/disk.ts';
import { AsofError, type ErrorCode } from '../../src/base/errors.ts';
import { NodeDisk } from '../../src/base/node-disk.ts';

/** A real disk that can be made to refuse every write below some folders, as a full one does. */
export class FailingDisk implements Disk {
  readonly #disk: Disk;
  readonly #fault: Fault;

  constructor(root: string, fault: Fault) {
    this.#disk = new NodeDisk(root);
    this.#fault = fault;
  }

  openAppend(path: string): DiskFile {
    const file = this.#disk.openAppend(path);
    return {
      get length() {
        return file.length;
      },
      append: (bytes) => {
        // The first half still fits: whoever writes must cut it off again.
        if (this.#fault.hits(path)) file.append(bytes.subarray(0, bytes.length >> 1));
        this.#fault.check(path);
        file.append(bytes);
      },
      sync: () => file.sync(),
      close: () => file.close(),
    };
  }

  replace(path: string, bytes: Uint8Array): void {
    this.#fault.check(path);
    this.#disk.replace(path, bytes);
  }

  read(path: string): Uint8Array<ArrayBuffer> {
    if (this.#fault.now?.reads === true) this.#fault.check(path);
    return this.#disk.read(path);
  }

  readAt(path: string, offset: number, length: number): Uint8Array<ArrayBuffer> {
    if (this.#fault.now?.reads === true) this.#fault.check(path);
    return this.#disk.readAt(path, offset, length);
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  list(folder: string): string[] {
    return this.#disk.list(folder);
  }

  size(path: string): number {
    return this.#disk.size(path);
  }

  truncate(path: string, length: number): void {
    this.#disk.truncate(path, length);
  }

  remove(path: string): void {
    this.#disk.remove(path);
  }

  makeFolder(path: string): void {
    this.#disk.makeFolder(path);
  }

  syncFolder(path: string): void {
    this.#disk.syncFolder(path);
  }
}

/** What is wrong with a disk just now: the code, and the paths that begin so. */
export class Fault {
  now: { readonly code: ErrorCode; readonly prefix: string; readonly reads?: true } | null = null;

  hits(path: string): boolean {
    return this.now !== null && path.startsWith(this.now.prefix);
  }

  check(path: string): void {
    if (this.now === null || !this.hits(path)) return;
    throw new AsofError(this.now.code, `Cannot append to '${path}': ENOSPC, no space left.`, {
      path,
    });
  }
}
