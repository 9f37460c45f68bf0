import { isUtf8 } from 'node:buffer';
import { LIMITS } from '../../../base/limits.ts';
import { type SourcedRow, UnreadableRow } from '../../sourced-rows.ts';
import type { FileChunk, FileRows, FileTask } from './file-rows.ts';
import { type Line, LineReader } from './line-reader.ts';

const BOM = '\uFEFF';

/** The rows of an NDJSON file: one JSON object a line, empty lines left out. */
export class LineRows implements FileRows {
  readonly #task: FileTask;
  readonly #lines: LineReader;

  constructor(task: FileTask) {
    this.#task = task;
    this.#lines = new LineReader(task.folder, task.file.name, task.file.size, task.at, task.line);
  }

  async next(most: number): Promise<FileChunk | null> {
    const rows: SourcedRow[] = [];
    let bytes = 0;
    let last: Line | null = null;
    while (rows.length < most && bytes < LIMITS.connectorBytes) {
      const line = this.#lines.next();
      if (line === null || (!line.ended && !this.#task.whole)) break;
      last = line;
      bytes += line.bytes.length;
      const body = lineBody(line);
      if (typeof body === 'string' && body.trim() === '') continue;
      rows.push({ place: `${this.#task.file.name}:${line.number}`, body });
    }
    if (last === null) return null;
    return { rows, at: last.end, line: last.number, unended: !last.ended };
  }

  close(): void {}
}

/** A line as text, where it is one. */
export function lineBody(line: Line): string | Uint8Array | UnreadableRow {
  const { bytes, number, cut } = line;
  if (cut) {
    return new UnreadableRow(
      bytes.slice(),
      `The line has more than ${LIMITS.fileLineBytes} bytes; only those are kept.`,
    );
  }
  if (!isUtf8(bytes)) return bytes.slice();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return number === 1 && text.startsWith(BOM) ? text.slice(1) : text;
}
