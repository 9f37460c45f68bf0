import type { Disk, DiskFile } from '../base/disk.ts';
import { LIMITS } from '../base/limits.ts';

const NEWLINE = 0x0a;
const FIRST_LOOK_BYTES = 4_096;

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
  #flushed: Promise<void> = Promise.resolve();
  /** Whether it was begun here, so that all of it that is shown is known to be durable. */
  readonly isOurs: boolean;
  /** Whoever created the file may have died before its name was durable. */
  #isNameDurable = false;
  /** The end of what another process left may be lost yet: the first line begins on its own. */
  #needsBreak: boolean;
  /** A write failed after it had begun: some of it may be on the disk. */
  #isUncertain = false;
  /** Of what is certain: a failed write is cut back to here. */
  #durableBytes: number;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
    this.isOurs = !disk.exists(path);
    this.#needsBreak = !this.isOurs;
    const size = this.isOurs ? 0 : disk.size(path);
    this.#durableBytes = this.#endOfLines(size);
    // A line without its end is the torn tail of a crash; nobody was told of it.
    if (this.#durableBytes < size) disk.truncate(path, this.#durableBytes);
  }

  /** What is durable, or about to be. */
  get bytes(): number {
    return this.#durableBytes + this.#waitingBytes;
  }

  /** Nothing is being written to it. */
  get isIdle(): boolean {
    return !this.#flushing && this.#waiting.length === 0;
  }

  /**
   * Makes certain what the file holds: what another process left may be shown and yet be lost, and
   * what could not be made durable here may be hidden and yet come back.
   */
  async secure(): Promise<void> {
    // A write under way is nobody's to cut: it ends, and then it is there or has failed.
    while (this.#flushing) await this.#flushed;
    if (this.isOurs && !this.#isUncertain) return;
    const bytes = this.#disk.exists(this.path) ? this.#disk.read(this.path) : new Uint8Array(0);
    this.#file?.close();
    this.#file = null;
    this.#disk.replace(this.path, this.isOurs ? bytes.subarray(0, this.#durableBytes) : bytes);
    this.#isUncertain = false;
  }

  /** Resolves, once they are durable, to how many bytes they take. */
  async append(lines: readonly string[]): Promise<number> {
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
    this.#waitingBytes += bytes.length;
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
    });
    if (!this.#flushing) this.#flushed = this.#flush();
    await done;
    return bytes.length;
  }

  /**
   * The durable lines from one byte to another, which begin lines, read a block at a time: a file
   * may be larger than memory.
   */
  *lines(from = 0, to = this.#durableBytes): Generator<string> {
    const end = to;
    const block = LIMITS.letterBlockBytes;
    let begun: Uint8Array[] = [];
    for (let offset = from; offset < end; offset += block) {
      const bytes = this.#disk.readAt(this.path, offset, Math.min(block, end - offset));
      const last = bytes.lastIndexOf(NEWLINE) + 1;
      if (last > 0) {
        // Decoded a block at a time: a call for each of a million lines would take seconds.
        const text = Buffer.concat([...begun, bytes.subarray(0, last)]).toString();
        let start = 0;
        for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', start)) {
          yield text.slice(start, at);
          start = at + 1;
        }
        begun = [];
      }
      if (last < bytes.length) begun.push(bytes.subarray(last));
    }
  }

  #endOfLines(size: number): number {
    // Mostly the last byte ends a line: a first look is short.
    for (let end = size, block = FIRST_LOOK_BYTES; end > 0; block = LIMITS.letterBlockBytes) {
      const start = Math.max(0, end - block);
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

  async #write(lines: Uint8Array): Promise<void> {
    const bytes = this.#needsBreak ? Buffer.concat([Buffer.from('\n'), lines]) : lines;
    try {
      const exists = this.#disk.exists(this.path);
      if (exists && this.#file === null && this.#disk.size(this.path) > this.#durableBytes) {
        this.#disk.truncate(this.path, this.#durableBytes);
      }
      this.#file ??= this.#disk.openAppend(this.path);
      this.#file.append(bytes);
      await this.#file.sync();
      if (!this.#isNameDurable) {
        this.#disk.syncFolder(this.path.slice(0, this.path.lastIndexOf('/')));
        this.#isNameDurable = true;
      }
      this.#needsBreak = false;
      this.#isUncertain = false;
      this.#durableBytes += bytes.length;
    } catch (error) {
      this.#isUncertain = true;
      const file = this.#file;
      this.#file = null;
      file?.close();
      throw error;
    }
  }
}
