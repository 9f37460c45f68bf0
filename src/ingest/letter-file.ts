import type { Disk, DiskFile } from '../base/disk.ts';
import { LIMITS } from '../base/limits.ts';

const NEWLINE = 0x0a;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A file of lines that are durable once their append resolves; many lines share one sync. */
export class LetterFile {
  readonly #disk: Disk;
  readonly path: string;
  #file: DiskFile | null = null;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #flushing = false;
  /** Of what is certain: a failed write is cut back to here. */
  #durableBytes: number;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
    const size = disk.exists(path) ? disk.size(path) : 0;
    this.#durableBytes = this.#endOfLines(size);
    // A line without its end is the torn tail of a crash; nobody was told of it.
    if (this.#durableBytes < size) disk.truncate(path, this.#durableBytes);
  }

  /** What is durable, or about to be. */
  get bytes(): number {
    return this.#durableBytes + this.#waitingBytes;
  }

  append(lines: readonly string[]): Promise<void> {
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
    this.#waitingBytes += bytes.length;
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
    });
    if (!this.#flushing) void this.#flush();
    return done;
  }

  /** The durable lines, read a block at a time: a file may be larger than memory. */
  *lines(): Generator<string> {
    const end = this.#durableBytes;
    const block = LIMITS.letterBlockBytes;
    let begun: Uint8Array[] = [];
    for (let offset = 0; offset < end; offset += block) {
      const bytes = this.#disk.readAt(this.path, offset, Math.min(block, end - offset));
      const last = bytes.lastIndexOf(NEWLINE) + 1;
      if (last > 0) {
        // Decoded a block at a time: a call for each of a million lines would take seconds.
        const text = Buffer.concat([...begun, bytes.subarray(0, last)]).toString();
        let from = 0;
        for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
          yield text.slice(from, to);
          from = to + 1;
        }
        begun = [];
      }
      if (last < bytes.length) begun.push(bytes.subarray(last));
    }
  }

  #endOfLines(size: number): number {
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - LIMITS.letterBlockBytes);
      const at = this.#disk.readAt(this.path, start, end - start).lastIndexOf(NEWLINE);
      if (at >= 0) return start + at + 1;
      end = start;
    }
    return 0;
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    // What arrives in the same turn of the loop belongs to the same sync.
    await null;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(Buffer.concat(group.map(({ bytes }) => bytes)));
      } catch (error) {
        for (const { reject } of group) reject(error);
        continue;
      } finally {
        for (const { bytes } of group) this.#waitingBytes -= bytes.length;
      }
      for (const { resolve } of group) resolve();
    }
    this.#flushing = false;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      const created = !this.#disk.exists(this.path);
      if (!created && this.#file === null && this.#disk.size(this.path) > this.#durableBytes) {
        this.#disk.truncate(this.path, this.#durableBytes);
      }
      this.#file ??= this.#disk.openAppend(this.path);
      this.#file.append(bytes);
      await this.#file.sync();
      if (created) this.#disk.syncFolder(this.path.slice(0, this.path.lastIndexOf('/')));
      this.#durableBytes += bytes.length;
    } catch (error) {
      const file = this.#file;
      this.#file = null;
      file?.close();
      throw error;
    }
  }
}
