import { AsofError } from '../base/errors.ts';
import type { FolderFile, WatchedFolder } from '../ingest/connectors/files/watched-folder.ts';

/** A folder of files in memory, whose writer and whose outages the test plays. */
export class MemoryFolder implements WatchedFolder {
  readonly #files = new Map<string, { bytes: Uint8Array; changedMs: number }>();
  readonly #nowMs: () => number;
  /** While true, nothing can be read: the folder is not mounted. */
  isAway = false;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Writes a file anew. */
  put(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    this.#files.set(name, { bytes, changedMs: this.#nowMs() });
  }

  append(name: string, text: string): void {
    const before = this.#files.get(name)?.bytes ?? new Uint8Array(0);
    this.put(name, Buffer.concat([before, new TextEncoder().encode(text)]));
  }

  remove(name: string): void {
    this.#files.delete(name);
  }

  list(): FolderFile[] {
    this.#requireThere();
    return [...this.#files].map(([name, { bytes, changedMs }]) => {
      return { name, size: bytes.length, changedMs };
    });
  }

  readAt(name: string, offset: number, length: number): Uint8Array {
    this.#requireThere();
    return this.#files.get(name)?.bytes.slice(offset, offset + length) ?? new Uint8Array(0);
  }

  path(name: string): string {
    return name;
  }

  #requireThere(): void {
    if (this.isAway) throw new AsofError('source_unreachable', 'The folder is not there.');
  }
}
