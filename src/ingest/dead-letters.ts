import type { Disk } from '../base/disk.ts';
import { LIMITS } from '../base/limits.ts';
import { nextTurn, type Turn } from '../base/pause.ts';
import { LetterCounts } from './letter-counts.ts';
import { LetterFile } from './letter-file.ts';
import { type LetterFilter, mayHold, passes } from './letter-filter.ts';
import { decodeLetter, encodeLetter, type Letter } from './letter-line.ts';
import { MarkedLetters, parseMark } from './letter-mark.ts';

const FOLDER = 'dead';
const READMITTED = 'readmitted.ndjson';
const PART_FILE = /^((\d{4}-\d\d-\d\d)(?:\.(\d+))?)\.ndjson$/;

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
  /** Read when the first letter is asked for. */
  readmitted: MarkedLetters | null;
  readonly counts: LetterCounts;
}

interface NumberedLine {
  readonly line: string;
  readonly number: number;
}

/** The side output of acceptance: no rejected event is lost (semantics §1). */
export class DeadLetters {
  readonly #disk: Disk;
  readonly #fileBytes: number;
  readonly #turn: Turn;
  readonly #sources = new Map<string, SourceLetters>();
  /** Parts that are listed no more, by source, until their files go. */
  readonly #leaving = new Map<string, readonly Part[]>();

  /** `turn` is taken while many letters of an earlier process are counted. */
  constructor(disk: Disk, fileBytes: number = LIMITS.letterFileBytes, turn: Turn = nextTurn) {
    this.#disk = disk;
    this.#fileBytes = fileBytes;
    this.#turn = turn;
  }

  /** Resolves once all of them are durable. */
  async append(source: string, letters: readonly Letter[]): Promise<void> {
    const kept = this.#open(source);
    const byDay = Map.groupBy(letters, ({ arrivalTimeMs }) => dayOf(arrivalTimeMs));
    await Promise.all(
      [...byDay].map(async ([day, ofDay]) => {
        const { name, file } = this.#part(source, kept, day);
        const bytes = await file.append(ofDay.map(encodeLetter));
        const codes = ofDay.map(({ code }) => code);
        kept.counts.added(name, bytes, codes);
      }),
    );
  }

  /**
   * Per reason, since ever; re-admitted ones included. Soon after a start, what has been counted so
   * far; see `counted`.
   */
  count(source: string): LetterCount[] {
    return this.#open(source)
      .counts.byCode()
      .map((counts) => ({ source, ...counts }));
  }

  /** As `count`, once all of them are counted. */
  async counted(source: string): Promise<LetterCount[]> {
    await this.#open(source).counts.whole();
    return this.count(source);
  }

  /** Oldest first. */
  *list(source: string, filter: LetterFilter = {}): Generator<StoredLetter> {
    const kept = this.#open(source);
    let left = filter.limit ?? Number.POSITIVE_INFINITY;
    for (const { name, day, file } of [...kept.parts]) {
      if (!mayHold(filter, name, day)) continue;
      let number = 0;
      for (const line of file.lines()) {
        if (left <= 0) return;
        number += 1;
        const letter = stored(line, `${name}:${number}`, kept);
        if (letter === null || !passes(filter, letter)) continue;
        left -= 1;
        yield letter;
      }
    }
  }

  /** The last letters, newest first; fewer than the limit where they are very long. */
  newest(source: string, limit: number, filter: LetterFilter = {}): StoredLetter[] {
    const kept = this.#open(source);
    const letters: StoredLetter[] = [];
    let chars: number = LIMITS.letterAnswerChars;
    const isPlain = Object.keys(filter).length === 0;
    for (const { name, day, file } of kept.parts.toReversed()) {
      if (letters.length >= limit || chars <= 0) break;
      if (!mayHold(filter, name, day)) continue;
      const wanted = (line: string, number: number): boolean => {
        const letter = isPlain || stored(line, `${name}:${number}`, kept);
        return letter === true || (letter !== null && passes(filter, letter));
      };
      for (const { line, number } of lastLines(file, limit - letters.length, chars, wanted)) {
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
    const known = readmittedIds(kept);
    const distinct = new Map(letters.map((letter) => [letter.id, letter]));
    const fresh = [...distinct.values()].filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return;
    const lines = fresh.map(({ id, code }) => JSON.stringify([id, code]));
    const bytes = await kept.marks.append(lines);
    for (const { id } of fresh) known.add(id);
    const codes = fresh.map(({ code }) => code);
    kept.counts.marked(bytes, codes);
  }

  /** Makes certain what another process left of a day: letters that are shown may yet be lost. */
  async secure(source: string, day: string): Promise<void> {
    const ofDay = this.#open(source).parts.filter((part) => part.day === day);
    for (const part of ofDay) await part.file.secure();
  }

  /**
   * Lets go of the letters of days before one, which are listed no more; how many there were stays
   * known. Their files go with the next call, for whoever reads them now, or at once. Answers the
   * names of the files that went.
   */
  removeBefore(source: string, day: string, atOnce = false): string[] {
    const kept = this.#open(source);
    const removed = [...(this.#leaving.get(source) ?? [])];
    this.#leaving.set(source, []);
    const old = kept.parts.filter((part) => part.day < day && part.file.isIdle);
    if (old.length > 0 && kept.counts.secure()) {
      for (const part of old) part.file.close();
      kept.parts.splice(0, kept.parts.length, ...kept.parts.filter((part) => !old.includes(part)));
      if (atOnce) removed.push(...old);
      else this.#leaving.set(source, old);
    }
    for (const { file } of removed) this.#disk.remove(file.path);
    return removed.map(({ file }) => file.path);
  }

  close(): void {
    for (const { parts, marks, counts } of this.#sources.values()) {
      counts.stop();
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
    const parts: Part[] = [];
    for (const path of this.#disk.list(folder)) {
      const [, name, day, number = '1'] = PART_FILE.exec(path) ?? [];
      if (name === undefined || day === undefined) continue;
      const file = new LetterFile(this.#disk, `${folder}/${path}`);
      parts.push({ name, day, number: Number(number), file });
    }
    parts.sort((a, b) => (a.day === b.day ? a.number - b.number : a.day < b.day ? -1 : 1));
    const counts = new LetterCounts(this.#disk, folder, parts, marks, this.#turn);
    const kept: SourceLetters = { parts, marks, readmitted: null, counts };
    this.#sources.set(source, kept);
    return kept;
  }

  /** The part that takes the next letters of a day. */
  #part(source: string, kept: SourceLetters, day: string): Part {
    const last = kept.parts.findLast((part) => part.day === day);
    // What another process left may be less certain than it looks: nothing is written behind it.
    if (last?.file.isOurs === true && last.file.bytes < this.#fileBytes) return last;
    const number = (last?.number ?? 0) + 1;
    const name = number === 1 ? day : `${day}.${number}`;
    this.#disk.makeFolder(`${FOLDER}/${source}`);
    const file = new LetterFile(this.#disk, `${FOLDER}/${source}/${name}.ndjson`);
    // Of a day that is over no more letters come, unless the clock was set back.
    const place = kept.parts.findLastIndex((part) => part.day <= day) + 1;
    const part: Part = { name, day, number, file };
    kept.parts.splice(place, 0, part);
    return part;
  }
}

function stored(line: string, id: string, kept: SourceLetters): StoredLetter | null {
  const letter = decodeLetter(line);
  return letter === null ? null : { ...letter, id, readmitted: readmittedIds(kept).has(id) };
}

function readmittedIds(kept: SourceLetters): MarkedLetters {
  if (kept.readmitted === null) {
    kept.readmitted = new MarkedLetters();
    for (const line of kept.marks.lines()) kept.readmitted.add(parseMark(line)?.id ?? '');
  }
  return kept.readmitted;
}

/** The last lines with their numbers, the last one first. */
function lastLines(
  file: LetterFile,
  limit: number,
  chars: number,
  wanted: (line: string, number: number) => boolean,
): NumberedLine[] {
  const lines: NumberedLine[] = [];
  let number = 0;
  let held = 0;
  for (const line of file.lines()) {
    number += 1;
    if (!wanted(line, number)) continue;
    lines.push({ line, number });
    held += line.length;
    while (lines.length > limit || (held > chars && lines.length > 1)) {
      held -= lines.shift()?.line.length ?? 0;
    }
  }
  return lines.reverse();
}

/** The UTC day whose file a letter is kept in. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
