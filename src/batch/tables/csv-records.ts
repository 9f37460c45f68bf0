import { LIMITS } from '../../base/limits.ts';
import { endsInQuotes, splitRecord } from '../../ingest/connectors/files/csv-record.ts';

/** Lines of one record: a quote that is never closed must not swallow a file. */
const RECORD_LINES = 1_000;

/** A line of a file; `text` is without its end. */
export interface CsvLine {
  readonly number: number;
  readonly text: string;
}

/** A record, or a line that is none: then `bad` says why. */
export interface CsvRecord {
  /** Of its first line. */
  readonly line: number;
  readonly fields: readonly (string | null)[];
  readonly text: string;
  readonly bad: string | null;
}

/**
 * Makes records (RFC 4180) of lines that come some at a time. A record goes over several lines only
 * if as many fields come of it as the header has; else a stray quote would take every row up to
 * the next one with it, so it costs its own line alone.
 */
export class CsvRecords {
  readonly #delimiter: string;
  readonly #fields: number;
  #waiting: CsvLine[] = [];
  #isCut = false;

  constructor(delimiter: string, fields: number) {
    this.#delimiter = delimiter;
    this.#fields = fields;
  }

  /** The records that these lines complete. */
  push(lines: readonly CsvLine[]): CsvRecord[] {
    this.#waiting = this.#waiting.length === 0 ? [...lines] : [...this.#waiting, ...lines];
    return this.#take(false);
  }

  /** What is left at the end. */
  finish(): CsvRecord[] {
    return this.#take(true);
  }

  /**
   * Whether the file ends in a quoted field, as one that was cut does. Behind a stray quote there
   * are records of one line each up to the end; where there are none, nothing tells the two apart.
   */
  get isCut(): boolean {
    return this.#isCut;
  }

  #take(isEnd: boolean): CsvRecord[] {
    const records: CsvRecord[] = [];
    const lines = this.#waiting;
    let at = 0;
    while (at < lines.length) {
      const line = lines[at] as CsvLine;
      if (!endsInQuotes(line.text)) {
        if (line.text !== '') records.push(this.#record(line.number, line.text));
        at += 1;
        continue;
      }
      const whole = this.#goOn(lines, at);
      if (whole === 'more' && !isEnd) break;
      if (whole !== 'more' && whole !== null) {
        records.push(whole.record);
        at += whole.lines;
      } else {
        if (whole === 'more') this.#isCut ||= !this.#areRecords(lines.slice(at + 1));
        records.push(this.#record(line.number, line.text));
        at += 1;
      }
    }
    this.#waiting = lines.slice(at);
    return records;
  }

  /** From a line that ends in quotes up to the one that closes them. */
  #goOn(
    lines: readonly CsvLine[],
    from: number,
  ): { readonly record: CsvRecord; readonly lines: number } | 'more' | null {
    const [first] = lines.slice(from, from + 1);
    let text = first?.text ?? '';
    for (let i = 1; i < RECORD_LINES; i += 1) {
      const next = lines[from + i];
      if (next === undefined) return 'more';
      text += `\n${next.text}`;
      if (text.length > LIMITS.fileLineBytes) return null;
      // Quotes are paired except in the first line and the one that closes it.
      if (!endsInQuotes(next.text)) continue;
      const record = this.#record(first?.number ?? 0, text);
      return record.bad === null ? { record, lines: i + 1 } : null;
    }
    return null;
  }

  /** In a file of one column any text is a record, so that it says nothing. */
  #areRecords(lines: readonly CsvLine[]): boolean {
    const filled = lines.filter(({ text }) => text !== '');
    if (filled.length === 0 || this.#fields === 1) return false;
    return filled.every(({ number, text }) => this.#record(number, text).bad === null);
  }

  #record(line: number, text: string): CsvRecord {
    const fields = splitRecord(text, this.#delimiter);
    if (typeof fields === 'string') return { line, text, fields: [], bad: fields };
    if (fields.length === this.#fields) return { line, text, fields, bad: null };
    const bad = `The record has ${fields.length} fields, the header ${this.#fields}.`;
    return { line, text, fields: [], bad };
  }
}
