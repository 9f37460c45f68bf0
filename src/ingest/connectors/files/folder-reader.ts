import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { ReaderProgress, RowBatch, SourceReader } from '../source-connector.ts';
import { CsvRows } from './csv-rows.ts';
import type { FileConnectorOptions } from './file-options.ts';
import { changeOf, checkOf, type FilePosition, positionText } from './file-position.ts';
import { type FileChunk, FileRefused, type FileRows, type FileTask } from './file-rows.ts';
import { LineRows } from './line-rows.ts';
import { ParquetRows } from './parquet-rows.ts';
import type { FolderFile } from './watched-folder.ts';

const IGNORED = /^[._]|\.(tmp|part|partial|crdownload|swp)$|~$/;

/** How long a file has looked the same. */
interface Sight {
  readonly file: FolderFile;
  readonly sinceMs: number;
}

interface OpenFile {
  readonly file: FolderFile;
  readonly rows: FileRows;
}

/** Reads a folder's files one after another; see `FileConnector`. */
export class FolderReader implements SourceReader {
  readonly #options: FileConnectorOptions;
  readonly #signal: AbortSignal;
  readonly #positions: Map<string, FilePosition>;
  readonly #sights = new Map<string, Sight>();
  /** Files as they looked when they were last found to be what had been read before. */
  readonly #verified = new Map<string, FolderFile>();
  /** Why a file is left out, as it looked then. */
  readonly #refused = new Map<string, { readonly file: FolderFile; readonly reason: string }>();
  #open: OpenFile | null = null;
  #position = '';
  #waitingBytes = 0;
  /** Behind the newest batch, which may not be durable yet. */
  #given: { readonly position: string; readonly bytes: number } | null = null;

  constructor(
    options: FileConnectorOptions,
    positions: Map<string, FilePosition>,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#positions = positions;
    this.#signal = signal;
  }

  async next(most: number): Promise<RowBatch | null> {
    const { follow, pollMs, pause } = this.#options;
    // Whoever asks for more has made the batch before durable.
    if (this.#given !== null) {
      this.#position = this.#given.position;
      this.#waitingBytes = Math.max(0, this.#waitingBytes - this.#given.bytes);
    }
    this.#given = null;
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#open !== null) {
        const batch = await this.#readOn(this.#open, most);
        if (batch !== null) return batch;
        this.#closeFile();
      }
      const found = this.#look();
      const forgotten = this.#forget(found);
      if (forgotten !== null) return forgotten;
      if (this.#begin(found)) continue;
      if (!follow) return null;
      await pause(pollMs, this.#signal);
    }
  }

  progress(): ReaderProgress {
    const problems = [...this.#refused].map(([name, { reason }]) => `${name} ${reason}`);
    return { position: this.#position, behind: this.#waitingBytes, problems };
  }

  async close(): Promise<void> {
    this.#closeFile();
  }

  #closeFile(): void {
    this.#open?.rows.close();
    this.#open = null;
  }

  /** The files that count, in the order in which they are read. */
  #look(): FolderFile[] {
    const { folder, suffix, clock } = this.#options;
    const files = folder
      .list()
      .filter(({ name }) => name.endsWith(suffix) && !IGNORED.test(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (files.length > LIMITS.folderFiles) {
      throw new AsofError('overloaded', `The folder has ${files.length} files.`, {
        remedy: `Move those that were taken away; ${LIMITS.folderFiles} may be there at a time.`,
      });
    }
    const nowMs = clock.nowMs();
    for (const file of files) {
      const sight = this.#sights.get(file.name);
      if (!looksAs(sight?.file, file)) this.#sights.set(file.name, { file, sinceMs: nowMs });
    }
    return files;
  }

  /** A file that is gone is remembered, so that it is not read again should it come back. */
  #forget(files: readonly FolderFile[]): RowBatch | null {
    if (this.#positions.size <= LIMITS.folderFiles) return null;
    const there = new Set(files.map(({ name }) => name));
    const gone = [...this.#positions.keys()].find((name) => !there.has(name));
    if (gone === undefined) return null;
    this.#positions.delete(gone);
    this.#sights.delete(gone);
    return { lane: gone, rows: [], token: null };
  }

  /** Opens the first file that has something new. */
  #begin(files: readonly FolderFile[]): boolean {
    this.#waitingBytes = 0;
    let first: FolderFile | null = null;
    for (const file of files) {
      const waiting = this.#waitingIn(file);
      this.#waitingBytes += waiting;
      if (waiting > 0) first ??= file;
    }
    if (first === null) return false;
    try {
      this.#open = { file: first, rows: this.#rowsOf(first) };
    } catch (error) {
      this.#refuse(first, error);
    }
    return true;
  }

  /** Bytes of a file that can be read now. */
  #waitingIn(file: FolderFile): number {
    const { folder, format, follow, settleMs, clock } = this.#options;
    const refusal = this.#refused.get(file.name);
    if (refusal !== undefined && looksAs(refusal.file, file)) return 0;
    this.#refused.delete(file.name);
    const position = this.#positions.get(file.name);
    if (position !== undefined && !looksAs(this.#verified.get(file.name), file)) {
      const reason = changeOf(folder, file, position);
      if (reason !== null) {
        this.#refused.set(file.name, { file, reason });
        return 0;
      }
      this.#verified.set(file.name, file);
    }
    if (position?.done === true) return 0;
    const sight = this.#sights.get(file.name);
    const settled = !follow || (sight !== undefined && clock.nowMs() - sight.sinceMs >= settleMs);
    const at = position === undefined || format === 'parquet' ? 0 : position.at;
    if (settled) return file.size - at;
    return format === 'ndjson' && this.#hasWholeLine(file, at) ? file.size - at : 0;
  }

  #hasWholeLine({ name, size }: FolderFile, from: number): boolean {
    for (let at = from; at < size; ) {
      const bytes = this.#options.folder.readAt(name, at, Math.min(1 << 16, size - at));
      if (bytes.length === 0 || bytes.includes(0x0a)) return bytes.length > 0;
      at += bytes.length;
    }
    return false;
  }

  #rowsOf(file: FolderFile): FileRows {
    const { folder, schema, columns, delimiter, format, follow, settleMs, clock } = this.#options;
    const position = this.#positions.get(file.name);
    const sinceMs = this.#sights.get(file.name)?.sinceMs ?? 0;
    const whole = !follow || clock.nowMs() - sinceMs >= settleMs;
    const { at: behind = 0, line = 0, unended = false } = position ?? {};
    // The end of the last line came after the line was taken.
    const at = unended && file.size > behind ? behind + 1 : behind;
    const task: FileTask = { folder, file, schema, columns, delimiter, at, line, whole };
    if (format === 'ndjson') return new LineRows(task);
    return format === 'csv' ? new CsvRows(task) : new ParquetRows(task);
  }

  async #readOn({ file, rows }: OpenFile, most: number): Promise<RowBatch | null> {
    let chunk: FileChunk | null;
    try {
      chunk = await rows.next(most);
    } catch (error) {
      this.#refuse(file, error);
      return null;
    }
    const { format } = this.#options;
    const before = this.#positions.get(file.name);
    if (chunk === null) {
      // An NDJSON file may grow; the others are done, which is part of their position.
      if (format === 'ndjson' || before?.done === true) return null;
      const { at, line } = before ?? { at: 0, line: 0 };
      return this.#batch(file, { rows: [], at, line, unended: false }, true);
    }
    return this.#batch(file, chunk, false);
  }

  #batch(file: FolderFile, chunk: FileChunk, done: boolean): RowBatch {
    const { folder, format } = this.#options;
    const { at, line, unended, rows } = chunk;
    const size = format === 'ndjson' ? null : file.size;
    const check = checkOf(folder, file.name, size ?? at);
    const before = this.#positions.get(file.name);
    const position = { at, line, size, done, unended, check };
    this.#positions.set(file.name, position);
    const read = format === 'parquet' ? 0 : at - (before?.at ?? 0);
    const bytes = done && format === 'parquet' ? file.size : read;
    this.#given = { position: `${file.name}:${line}`, bytes };
    return { lane: file.name, rows, token: positionText(position) };
  }

  #refuse(file: FolderFile, error: unknown): void {
    if (!(error instanceof FileRefused)) throw error;
    this.#refused.set(file.name, { file, reason: error.message });
  }
}

function looksAs(a: FolderFile | undefined, b: FolderFile): boolean {
  return a !== undefined && a.size === b.size && a.changedMs === b.changedMs;
}
