import { LIMITS } from '../../../base/limits.ts';
import type { ColumnSchema } from '../../../schema/types.ts';
import { type SourcedRow, UnreadableRow } from '../../sourced-rows.ts';
import { endsInQuotes, splitRecord } from './csv-record.ts';
import { type FileColumns, matchColumns, valueOfText } from './file-columns.ts';
import { type FileChunk, FileRefused, type FileRows, type FileTask } from './file-rows.ts';
import { type Line, LineReader } from './line-reader.ts';
import { lineBody } from './line-rows.ts';

/** Lines of one record: a quote that is never closed must not swallow a file. */
const RECORD_LINES = 1_000;

interface CsvRecord {
  readonly text: string | Uint8Array | UnreadableRow;
  readonly first: Line;
  readonly last: Line;
}

/** The rows of a CSV file (RFC 4180) whose first record names its columns. */
export class CsvRows implements FileRows {
  readonly #task: FileTask;
  readonly #lines: LineReader;
  readonly #columns: FileColumns;

  /** @throws FileRefused if the columns do not fit the source */
  constructor(task: FileTask) {
    const { folder, file, at, line } = task;
    this.#task = task;
    this.#lines = new LineReader(folder, file.name, file.size, 0, 0);
    this.#columns = this.#readHeader();
    if (at > 0) this.#lines.moveTo(at, line);
  }

  #readHeader(): FileColumns {
    const header = this.#record();
    if (header === null) throw new FileRefused('has no header line');
    const names =
      typeof header.text === 'string' ? splitRecord(header.text, this.#task.delimiter) : 'no text';
    if (typeof names === 'string')
      throw new FileRefused(`has a header that cannot be read: ${names}`);
    const named = names.map((name) => name?.trim() ?? '');
    const columns = matchColumns(named, this.#task.schema, this.#task.columns);
    if (typeof columns === 'string') throw new FileRefused(columns);
    return columns;
  }

  async next(most: number): Promise<FileChunk | null> {
    const rows: SourcedRow[] = [];
    let bytes = 0;
    let last: Line | null = null;
    while (rows.length < most && bytes < LIMITS.connectorBytes) {
      const record = this.#record();
      if (record === null) break;
      last = record.last;
      bytes += record.last.end - record.first.end + record.first.bytes.length;
      if (typeof record.text === 'string' && record.text === '') continue;
      const place = `${this.#task.file.name}:${record.first.number}`;
      rows.push({ place, body: this.#row(record.text) });
    }
    if (last === null) return null;
    return { rows, at: last.end, line: last.number, unended: !last.ended };
  }

  #row(text: CsvRecord['text']): SourcedRow['body'] {
    if (text instanceof UnreadableRow) return text;
    if (typeof text !== 'string') return new UnreadableRow(text, 'The line is no UTF-8.');
    const fields = splitRecord(text, this.#task.delimiter);
    if (typeof fields === 'string') return new UnreadableRow(text, fields);
    if (fields.length !== this.#columns.length) {
      const message = `The record has ${fields.length} fields, the header ${this.#columns.length}.`;
      return new UnreadableRow(text, message);
    }
    const row: Record<string, unknown> = {};
    this.#columns.forEach((column: ColumnSchema | null, i) => {
      const field = fields[i];
      if (column === null) return;
      row[column.name] = typeof field === 'string' ? valueOfText(field, column) : null;
    });
    return row;
  }

  /** A line, or several where a quoted field goes over their ends. */
  #record(): CsvRecord | null {
    const first = this.#lines.next();
    if (first === null) return null;
    const begun = lineBody(first);
    if (typeof begun !== 'string') return { text: begun, first, last: first };
    let text = begun;
    let last = first;
    for (let count = 1; endsInQuotes(text); count++) {
      const more = this.#lines.next();
      const line = more === null ? null : lineBody(more);
      const bytes = last.end - first.end;
      if (
        more === null ||
        typeof line !== 'string' ||
        count >= RECORD_LINES ||
        bytes > LIMITS.fileLineBytes
      ) {
        // The quote is taken for a mistake of this line alone.
        this.#lines.moveTo(first.end, first.number);
        return { text: withoutReturn(begun), first, last: first };
      }
      text += `\n${line}`;
      last = more;
    }
    return { text: withoutReturn(text), first, last };
  }

  close(): void {}
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
