import type { Disk } from '../base/disk.ts';
import type { ErrorCode } from '../base/errors.ts';
import { LetterFile } from './letter-file.ts';

const FOLDER = 'dead';
const READMITTED = 'readmitted.ndjson';
const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.ndjson$/;

/** A rejected row as it is kept. */
export interface Letter {
  readonly arrivalTimeMs: number;
  readonly code: ErrorCode;
  readonly column: string | null;
  readonly message: string;
  /** The row as it was sent; bytes that are no UTF-8 stay bytes. */
  readonly raw: string | Uint8Array;
}

export interface StoredLetter extends Letter {
  /** Day and line: names the letter for ever. */
  readonly id: string;
  readonly readmitted: boolean;
}

export interface LetterCount {
  readonly source: string;
  readonly code: string;
  readonly count: number;
  /** How many of them were taken later, after a fix. */
  readonly readmitted: number;
}

export interface LetterFilter {
  readonly code?: string;
  /** A UTC day, `2026-01-31`. */
  readonly day?: string;
  /** Only letters that were not re-admitted. */
  readonly open?: boolean;
  readonly limit?: number;
}

interface SourceLetters {
  readonly days: Map<string, LetterFile>;
  readonly marks: LetterFile;
  readonly readmitted: Set<string>;
  readonly counts: Map<string, { count: number; readmitted: number }>;
}

interface LetterLine {
  readonly at: number;
  readonly code: ErrorCode;
  readonly column: string | null;
  readonly message: string;
  readonly row?: string;
  readonly base64?: string;
}

/** The side output of acceptance: no rejected event is lost (semantics §1). */
export class DeadLetters {
  readonly #disk: Disk;
  readonly #sources = new Map<string, SourceLetters>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Resolves once all of them are durable. */
  async append(source: string, letters: readonly Letter[]): Promise<void> {
    const kept = this.#open(source);
    const byDay = Map.groupBy(letters, ({ arrivalTimeMs }) => dayOf(arrivalTimeMs));
    await Promise.all(
      [...byDay].map(([day, ofDay]) => this.#day(source, kept, day).append(ofDay.map(encode))),
    );
    for (const { code } of letters) countOf(kept, code).count += 1;
  }

  /** Per reason, since ever; re-admitted ones included. */
  count(source: string): LetterCount[] {
    return [...this.#open(source).counts].map(([code, counts]) => ({ source, code, ...counts }));
  }

  /** Oldest first. */
  *list(source: string, filter: LetterFilter = {}): Generator<StoredLetter> {
    const kept = this.#open(source);
    let left = filter.limit ?? Number.POSITIVE_INFINITY;
    for (const [day, file] of [...kept.days].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (filter.day !== undefined && filter.day !== day) continue;
      for (const [index, line] of file.lines().entries()) {
        if (left <= 0) return;
        const letter = decode(line);
        if (letter === null) continue;
        const id = `${day}:${index + 1}`;
        const readmitted = kept.readmitted.has(id);
        if (filter.code !== undefined && filter.code !== letter.code) continue;
        if (filter.open === true && readmitted) continue;
        left -= 1;
        yield { ...letter, id, readmitted };
      }
    }
  }

  /** Remembers, durably, that these letters' rows are in the log now. */
  async markReadmitted(source: string, letters: readonly StoredLetter[]): Promise<void> {
    const kept = this.#open(source);
    this.#disk.makeFolder(`${FOLDER}/${source}`);
    await kept.marks.append(letters.map(({ id }) => JSON.stringify(id)));
    for (const { id, code } of letters) {
      if (kept.readmitted.has(id)) continue;
      kept.readmitted.add(id);
      countOf(kept, code).readmitted += 1;
    }
  }

  close(): void {
    for (const { days, marks } of this.#sources.values()) {
      for (const file of [...days.values(), marks]) file.close();
    }
    this.#sources.clear();
  }

  #open(source: string): SourceLetters {
    const opened = this.#sources.get(source);
    if (opened !== undefined) return opened;
    const folder = `${FOLDER}/${source}`;
    const marks = new LetterFile(this.#disk, `${folder}/${READMITTED}`);
    const kept: SourceLetters = {
      days: new Map(),
      marks,
      readmitted: new Set(marks.lines().map((line) => String(JSON.parse(line)))),
      counts: new Map(),
    };
    for (const name of this.#disk.list(folder)) {
      const day = DAY_FILE.exec(name)?.[1];
      if (day !== undefined) this.#countDay(source, kept, day);
    }
    this.#sources.set(source, kept);
    return kept;
  }

  #countDay(source: string, kept: SourceLetters, day: string): void {
    for (const [index, line] of this.#day(source, kept, day).lines().entries()) {
      const letter = decode(line);
      if (letter === null) continue;
      const counts = countOf(kept, letter.code);
      counts.count += 1;
      if (kept.readmitted.has(`${day}:${index + 1}`)) counts.readmitted += 1;
    }
  }

  #day(source: string, kept: SourceLetters, day: string): LetterFile {
    let file = kept.days.get(day);
    if (file === undefined) {
      this.#disk.makeFolder(`${FOLDER}/${source}`);
      file = new LetterFile(this.#disk, `${FOLDER}/${source}/${day}.ndjson`);
      kept.days.set(day, file);
    }
    return file;
  }
}

function countOf(kept: SourceLetters, code: string): { count: number; readmitted: number } {
  const counts = kept.counts.get(code) ?? { count: 0, readmitted: 0 };
  kept.counts.set(code, counts);
  return counts;
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

function encode({ arrivalTimeMs, code, column, message, raw }: Letter): string {
  const row =
    typeof raw === 'string' ? { row: raw } : { base64: Buffer.from(raw).toString('base64') };
  return JSON.stringify({ at: arrivalTimeMs, code, column, message, ...row });
}

/** Null for a line that a crash left damaged. */
function decode(line: string): Letter | null {
  let parsed: LetterLine;
  try {
    parsed = JSON.parse(line) as LetterLine;
  } catch {
    return null;
  }
  const { at, code, column, message, row, base64 } = parsed;
  const raw = base64 === undefined ? (row ?? '') : new Uint8Array(Buffer.from(base64, 'base64'));
  return { arrivalTimeMs: at, code, column, message, raw };
}
