import type { Disk } from '../base/disk.ts';
import { LIMITS } from '../base/limits.ts';
import { nextTurn, type Turn } from '../base/pause.ts';
import type { LetterFile } from './letter-file.ts';
import { parseMark } from './letter-mark.ts';

const FILE = 'counts.json';
/** Characters looked at before other work gets its turn. */
const CHARS_PER_TURN = 256 * 1024;
const CODE = /^\{"at":-?\d+,"code":"([a-z0-9_]+)"/;

type Codes = Record<string, number>;

/** What of a file has been counted: its first bytes, always whole lines. */
interface Counted {
  bytes: number;
  readonly codes: Codes;
}

interface Index {
  readonly parts: Readonly<Record<string, Counted>>;
  readonly marks: Counted;
}

interface Remaining {
  readonly name: string;
  readonly file: LetterFile;
  readonly from: number;
  readonly to: number;
}

export interface CodeCount {
  readonly code: string;
  readonly count: number;
  readonly readmitted: number;
}

/**
 * How many letters of each reason a source has. What was counted is written down, so that a start
 * reads only what came after; more than a little of that is read in the background.
 */
export class LetterCounts {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #turn: Turn;
  readonly #parts = new Map<string, Counted>();
  readonly #marks: Counted = { bytes: 0, codes: {} };
  #counting: Promise<void> | null = null;
  #stopped = false;
  #unsavedBytes = 0;

  constructor(
    disk: Disk,
    folder: string,
    parts: Iterable<{ readonly name: string; readonly file: LetterFile }>,
    marks: LetterFile,
    turn: Turn = nextTurn,
  ) {
    this.#disk = disk;
    this.#turn = turn;
    this.#path = `${folder}/${FILE}`;
    const index = readIndex(disk, this.#path);
    const remaining: Remaining[] = [];
    for (const { name, file } of parts) {
      remaining.push({ name, file, ...this.#resume(name, file.bytes, index?.parts[name]) });
    }
    // Of parts that are gone only the counts are left: they are since ever.
    for (const [name, { codes }] of Object.entries(index?.parts ?? {})) {
      if (!this.#parts.has(name)) this.#parts.set(name, { bytes: 0, codes: { ...codes } });
    }
    const known = index !== null && index.marks.bytes <= marks.bytes ? index.marks : null;
    if (known !== null) Object.assign(this.#marks, { codes: { ...known.codes } });
    const legacy = this.#countMarks(marks, known?.bytes ?? 0);
    if (legacy.size > 0) {
      // The reasons of these are in the letters alone: once, all of them are read.
      for (const one of remaining) this.#parts.set(one.name, { bytes: one.to, codes: {} });
      this.#begin(
        remaining.map((one) => ({ ...one, from: 0 })),
        legacy,
      );
      return;
    }
    this.#begin(
      remaining.filter(({ from, to }) => from < to),
      legacy,
    );
  }

  #resume(name: string, bytes: number, known: Counted | undefined): { from: number; to: number } {
    const usable = known !== undefined && known.bytes <= bytes ? known : null;
    this.#parts.set(name, { bytes, codes: { ...usable?.codes } });
    return { from: usable?.bytes ?? 0, to: bytes };
  }

  /** Marks are short and few: one a letter that was taken again. */
  #countMarks(marks: LetterFile, from: number): ReadonlySet<string> {
    const legacy = new Set<string>();
    for (const line of marks.lines(from)) {
      const mark = parseMark(line);
      if (mark === null) continue;
      if (mark.code !== null) increment(this.#marks.codes, mark.code, 1);
      else legacy.add(mark.id);
    }
    this.#marks.bytes = marks.bytes;
    return legacy;
  }

  #begin(remaining: readonly Remaining[], legacy: ReadonlySet<string>): void {
    const bytes = remaining.reduce((sum, { from, to }) => sum + to - from, 0);
    const count = (): Generator<number> => this.#countAll(remaining, legacy);
    this.#unsavedBytes = bytes;
    if (bytes > LIMITS.letterBytesAtOnce) {
      this.#counting = this.#inTurns(count());
      return;
    }
    for (const _ of count());
  }

  async #inTurns(work: Generator<number>): Promise<void> {
    let chars = CHARS_PER_TURN;
    for (;;) {
      if (chars >= CHARS_PER_TURN) {
        await this.#turn();
        chars = 0;
      }
      if (this.#stopped) return;
      const next = work.next();
      if (next.done === true) break;
      chars += next.value;
    }
    this.#counting = null;
    this.save();
  }

  /** Gives the characters that it has looked at, line by line. */
  *#countAll(remaining: readonly Remaining[], legacy: ReadonlySet<string>): Generator<number> {
    for (const { name, file, from, to } of remaining) {
      const codes = this.#parts.get(name)?.codes ?? {};
      let number = 0;
      for (const line of file.lines(from, to)) {
        number += 1;
        const code = CODE.exec(line)?.[1];
        // A line without is the damage of a crash.
        if (code !== undefined) increment(codes, code, 1);
        if (code !== undefined && legacy.has(`${name}:${number}`)) {
          increment(this.#marks.codes, code, 1);
        }
        yield line.length;
      }
    }
  }

  /** Letters that are durable now, in the order in which they were written to their part. */
  added(name: string, bytes: number, codes: Iterable<string>): void {
    const part = this.#parts.get(name) ?? { bytes: 0, codes: {} };
    this.#parts.set(name, part);
    part.bytes += bytes;
    for (const code of codes) increment(part.codes, code, 1);
    this.#unsavedBytes += bytes;
    if (this.#unsavedBytes * 2 > LIMITS.letterBytesAtOnce) this.save();
  }

  marked(bytes: number, codes: Iterable<string>): void {
    this.#marks.bytes += bytes;
    this.#unsavedBytes += bytes;
    for (const code of codes) increment(this.#marks.codes, code, 1);
  }

  /** What has been counted so far. */
  byCode(): CodeCount[] {
    const all: Codes = {};
    for (const { codes } of this.#parts.values()) {
      for (const [code, count] of Object.entries(codes)) increment(all, code, count);
    }
    return Object.entries(all).map(([code, count]) => ({
      code,
      count,
      readmitted: this.#marks.codes[code] ?? 0,
    }));
  }

  /** Whether what has been counted is written down, so that the letters themselves may go. */
  secure(): boolean {
    if (this.#counting !== null) return false;
    this.#unsavedBytes = Math.max(1, this.#unsavedBytes);
    this.save();
    return this.#disk.exists(this.#path) && this.#unsavedBytes === 0;
  }

  /** Resolves once all is counted. */
  async whole(): Promise<void> {
    await this.#counting;
  }

  stop(): void {
    this.#stopped = true;
    this.save();
  }

  /** A file that cannot be written is not missed: a start counts again. */
  save(): void {
    if (this.#counting !== null || this.#unsavedBytes === 0) return;
    const index: Index = { parts: Object.fromEntries(this.#parts), marks: this.#marks };
    try {
      this.#disk.replace(this.#path, new TextEncoder().encode(JSON.stringify(index)));
      this.#unsavedBytes = 0;
    } catch {
      // Tried again when as much has come in addition.
      this.#unsavedBytes = 1;
    }
  }
}

function increment(codes: Codes, code: string, by: number): void {
  codes[code] = (codes[code] ?? 0) + by;
}

function readIndex(disk: Disk, path: string): Index | null {
  if (!disk.exists(path)) return null;
  try {
    const index: unknown = JSON.parse(new TextDecoder().decode(disk.read(path)));
    return isIndex(index) ? index : null;
  } catch {
    return null;
  }
}

function isIndex(value: unknown): value is Index {
  const { parts, marks } = (value ?? {}) as Partial<Index>;
  return typeof parts === 'object' && isCounted(marks) && Object.values(parts).every(isCounted);
}

function isCounted(value: unknown): value is Counted {
  const { bytes, codes } = (value ?? {}) as Partial<Counted>;
  return Number.isSafeInteger(bytes) && typeof codes === 'object' && codes !== null;
}
