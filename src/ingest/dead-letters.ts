import type { Disk } from '../base/disk.ts';
import type { ErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { LetterFile } from './letter-file.ts';

const FOLDER = 'dead';
const READMITTED = 'readmitted.ndjson';
const PART_FILE = /^((\d{4}-\d\d-\d\d)(?:\.(\d+))?)\.ndjson$/;

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
  /** Day, part of the day if it is not the first, and line: names the letter for ever. */
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
  /** Letters of this code are left out. */
  readonly except?: string;
  /** A UTC day, `2026-01-31`. */
  readonly day?: string;
  /** Only letters that were not re-admitted. */
  readonly open?: boolean;
  readonly limit?: number;
}

/** The letters of a day, or the next ones of it once the file before was full. */
interface Part {
  /** `2026-01-31`, and from the second part on `2026-01-31.2`. */
  readonly name: string;
  readonly day: string;
  readonly number: number;
  readonly file: LetterFile;
}

interface SourceLetters {
  /** In order, oldest first. */
  readonly parts: Part[];
  readonly marks: LetterFile;
  readonly readmitted: Set<string>;
  readonly counts: Map<string, { count: number; readmitted: number }>;
}

interface NumberedLine {
  readonly line: string;
  readonly number: number;
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
  readonly #fileBytes: number;
  readonly #sources = new Map<string, SourceLetters>();

  constructor(disk: Disk, fileBytes: number = LIMITS.letterFileBytes) {
    this.#disk = disk;
    this.#fileBytes = fileBytes;
  }

  /** Resolves once all of them are durable. */
  async append(source: string, letters: readonly Letter[]): Promise<void> {
    const kept = this.#open(source);
    const byDay = Map.groupBy(letters, ({ arrivalTimeMs }) => dayOf(arrivalTimeMs));
    await Promise.all(
      [...byDay].map(([day, ofDay]) => this.#part(source, kept, day).append(ofDay.map(encode))),
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
    for (const { name, day, file } of [...kept.parts]) {
      if (filter.day !== undefined && filter.day !== day) continue;
      let number = 0;
      for (const line of file.lines()) {
        if (left <= 0) return;
        number += 1;
        const letter = stored(line, `${name}:${number}`, kept);
        if (letter === null) continue;
        if (filter.code !== undefined && filter.code !== letter.code) continue;
        if (filter.except === letter.code) continue;
        if (filter.open === true && letter.readmitted) continue;
        left -= 1;
        yield letter;
      }
    }
  }

  /** The last letters, newest first; fewer than the limit where they are very long. */
  newest(source: string, limit: number): StoredLetter[] {
    const kept = this.#open(source);
    const letters: StoredLetter[] = [];
    let chars: number = LIMITS.letterAnswerChars;
    for (const { name, file } of kept.parts.toReversed()) {
      if (letters.length >= limit || chars <= 0) break;
      for (const { line, number } of lastLines(file, limit - letters.length, chars)) {
        chars -= line.length;
        const letter = stored(line, `${name}:${number}`, kept);
        if (letter !== null) letters.push(letter);
      }
    }
    return letters;
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
    for (const { parts, marks } of this.#sources.values()) {
      for (const { file } of parts) file.close();
      marks.close();
    }
    this.#sources.clear();
  }

  #open(source: string): SourceLetters {
    const opened = this.#sources.get(source);
    if (opened !== undefined) return opened;
    const folder = `${FOLDER}/${source}`;
    const marks = new LetterFile(this.#disk, `${folder}/${READMITTED}`);
    const kept: SourceLetters = {
      parts: [],
      marks,
      readmitted: new Set([...marks.lines()].map((line) => String(JSON.parse(line)))),
      counts: new Map(),
    };
    for (const path of this.#disk.list(folder)) {
      const [, name, day, number = '1'] = PART_FILE.exec(path) ?? [];
      if (name === undefined || day === undefined) continue;
      const file = new LetterFile(this.#disk, `${folder}/${path}`);
      kept.parts.push({ name, day, number: Number(number), file });
    }
    kept.parts.sort((a, b) => (a.day === b.day ? a.number - b.number : a.day < b.day ? -1 : 1));
    for (const part of kept.parts) countPart(part, kept);
    this.#sources.set(source, kept);
    return kept;
  }

  /** The part that takes the next letters of a day. */
  #part(source: string, kept: SourceLetters, day: string): LetterFile {
    const last = kept.parts.findLast((part) => part.day === day);
    if (last !== undefined && last.file.bytes < this.#fileBytes) return last.file;
    const number = (last?.number ?? 0) + 1;
    const name = number === 1 ? day : `${day}.${number}`;
    this.#disk.makeFolder(`${FOLDER}/${source}`);
    const file = new LetterFile(this.#disk, `${FOLDER}/${source}/${name}.ndjson`);
    // Of a day that is over no more letters come, unless the clock was set back.
    const place = kept.parts.findLastIndex((part) => part.day <= day) + 1;
    kept.parts.splice(place, 0, { name, day, number, file });
    return file;
  }
}

function countPart({ name, file }: Part, kept: SourceLetters): void {
  let number = 0;
  for (const line of file.lines()) {
    number += 1;
    const letter = stored(line, `${name}:${number}`, kept);
    if (letter === null) continue;
    const counts = countOf(kept, letter.code);
    counts.count += 1;
    if (letter.readmitted) counts.readmitted += 1;
  }
}

function stored(line: string, id: string, kept: SourceLetters): StoredLetter | null {
  const letter = decode(line);
  return letter === null ? null : { ...letter, id, readmitted: kept.readmitted.has(id) };
}

/** The last lines with their numbers, the last one first. */
function lastLines(file: LetterFile, limit: number, chars: number): NumberedLine[] {
  const lines: NumberedLine[] = [];
  let number = 0;
  let held = 0;
  for (const line of file.lines()) {
    number += 1;
    lines.push({ line, number });
    held += line.length;
    while (lines.length > limit || (held > chars && lines.length > 1)) {
      held -= lines.shift()?.line.length ?? 0;
    }
  }
  return lines.reverse();
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
