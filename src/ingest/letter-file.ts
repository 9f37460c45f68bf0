import type { Disk, DiskFile } from '../base/disk.ts';

const NEWLINE = 0x0a;

interface Waiting {
  readonly text: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A file of lines that are durable once their append resolves; many lines share one sync. */
export class LetterFile {
  readonly #disk: Disk;
  readonly path: string;
  #file: DiskFile | null = null;
  #waiting: Waiting[] = [];
  #flushing = false;
  /** Of what is certain: a failed write is cut back to here. */
  #durableBytes: number;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
    const bytes = disk.exists(path) ? disk.read(path) : new Uint8Array(0);
    this.#durableBytes = bytes.lastIndexOf(NEWLINE) + 1;
    // A line without its end is the torn tail of a crash; nobody was told of it.
    if (this.#durableBytes < bytes.length) disk.truncate(path, this.#durableBytes);
  }

  append(lines: readonly string[]): Promise<void> {
    const text = lines.map((line) => `${line}\n`).join('');
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
    });
    if (!this.#flushing) void this.#flush();
    return done;
  }

  lines(): string[] {
    if (!this.#disk.exists(this.path)) return [];
    const text = new TextDecoder().decode(this.#disk.read(this.path));
    const lines = text.split('\n');
    lines.pop();
    return lines;
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
        await this.#write(group.map(({ text }) => text).join(''));
      } catch (error) {
        for (const { reject } of group) reject(error);
        continue;
      }
      for (const { resolve } of group) resolve();
    }
    this.#flushing = false;
  }

  async #write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
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
