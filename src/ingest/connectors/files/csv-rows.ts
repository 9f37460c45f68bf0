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
    const header = this.#record(null);
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
      const record = this.#record(this.#columns.length);
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

  /**
   * A line, or several where a quoted field goes over their ends: only if so many fields come of
   * it. Else a stray quote would take every row with it up to the next one, so it is taken for a
   * mistake of its line alone, and the next line is read by itself.
   */
  #record(fieldCount: number | null): CsvRecord | null {
    const first = this.#lines.next();
    if (first === null) return null;
    const begun = lineBody(first);
    if (typeof begun !== 'string') return { text: begun, first, last: first };
    const alone = { text: withoutReturn(begun), first, last: first };
    if (!endsInQuotes(begun)) return alone;
    const whole = this.#goOn(begun, first);
    const fields = whole === null ? 'none' : splitRecord(whole.text, this.#task.delimiter);
    const fits = fieldCount === null || fields.length === fieldCount;
    if (whole !== null && typeof fields !== 'string' && fits) return { ...whole, first };
    this.#lines.moveTo(first.end, first.number);
    return alone;
  }

  /** The lines up to the one that closes the quote; null where it is never closed. */
  #goOn(begun: string, first: Line): { readonly text: string; readonly last: Line } | null {
    const texts = [begun];
    while (texts.length < RECORD_LINES) {
      const last = this.#lines.next();
      const line = last === null ? null : lineBody(last);
      if (last === null || typeof line !== 'string') return null;
      if (last.end - first.end > LIMITS.fileLineBytes) return null;
      texts.push(line);
      // Quotes are paired except in the first line and the one that closes it.
      if (endsInQuotes(line)) return { text: withoutReturn(texts.join('\n')), last };
    }
    return null;
  }

  close(): void {}
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
