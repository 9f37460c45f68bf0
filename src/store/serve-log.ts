import { assert } from '../base/assert.ts';
import type { Disk, DiskFile } from '../base/disk.ts';
import { LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/random.ts';
import type { FeatureStatus } from '../schema/status.ts';
import type { FeatureValue, Scalar, Single, ValueCount } from '../schema/types.ts';

/** One answered row, with all that a replay needs to prove it (semantics §6). */
export interface ServedAnswer {
  readonly service: string;
  readonly version: number;
  /** Join keys by name, as the server read them. */
  readonly key: Readonly<Record<string, Scalar>>;
  /** Request fields by name, of services that have some. */
  readonly request?: Readonly<Record<string, Single>>;
  readonly asOfMs: number;
  readonly commit: number;
  /** Values by output name, in the service's order. */
  readonly values: Readonly<Record<string, FeatureValue>>;
  readonly statuses: Readonly<Record<string, FeatureStatus>>;
  /**
   * Outputs of which this says nothing that a replay could confirm: they were not there in time, or
   * speak for another commit and have an entry of their own. Absent where there are none.
   */
  readonly unknown?: readonly string[];
}

export interface ServeLogOptions {
  /** Of the folder of the serve log alone. */
  readonly disk: Disk;
  /** Share of answered rows that are kept, from 0 to 1. */
  readonly rate: number;
  readonly random: Random;
  readonly logger: Logger;
  /** Bytes that all day files may have together; `LIMITS.serveLogBytes` if absent. */
  readonly bytesMax?: number;
  /** Runs the writer later, off the path of requests. */
  readonly later?: (task: () => void) => void;
}

/** Where sampled answers go. */
export interface ServedSink {
  /** Whether the next answer is one of the sample. */
  isSampled(): boolean;
  offer(answer: ServedAnswer): void;
}

export interface ServeLogStats {
  /** Answers taken into the queue since the start. */
  readonly sampled: number;
  readonly written: number;
  /** Answers lost to a full queue, a full day file or a failing disk. */
  readonly dropped: number;
  readonly queued: number;
}

const FOLDER = '.';
const FILE_PATTERN = /^\d{4,6}-\d{2}-\d{2}\.ndjson$/;
const DAY_MS = 86_400_000;
const encoder = new TextEncoder();

/**
 * Keeps a sample of answers as NDJSON, one file for each UTC day of the answers' own time.
 * It never slows or fails a request: what does not fit is counted and dropped.
 */
export class ServeLogWriter implements ServedSink {
  readonly #options: ServeLogOptions;
  readonly #later: (task: () => void) => void;
  #queue: ServedAnswer[] = [];
  #file: { readonly day: string; readonly handle: DiskFile } | null = null;
  /** Bytes of the day files other than the open one. */
  #otherBytes = 0;
  #isScheduled = false;
  #isClosed = false;
  #isOmitted: (key: ServedAnswer['key']) => boolean = () => false;
  #sampled = 0;
  #written = 0;
  #dropped = 0;

  constructor(options: ServeLogOptions) {
    assert(options.rate >= 0 && options.rate <= 1, 'a sampling rate lies in [0, 1]');
    this.#options = options;
    this.#later = options.later ?? ((task) => void setImmediate(task));
    options.disk.makeFolder(FOLDER);
  }

  /** Whether the next answer is kept; ask before building it. */
  isSampled(): boolean {
    const { rate, random } = this.#options;
    return rate >= 1 || (rate > 0 && random.next() < rate);
  }

  /** Of these keys nothing is kept from now on, nor of what is still to be written. */
  omit(isOmitted: (key: ServedAnswer['key']) => boolean): void {
    this.#isOmitted = isOmitted;
  }

  offer(answer: ServedAnswer): void {
    if (this.#isClosed || this.#queue.length >= LIMITS.serveLogQueue) {
      this.#dropped += 1;
      return;
    }
    this.#sampled += 1;
    this.#queue.push(answer);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#later(() => {
      this.#isScheduled = false;
      this.#writeQueue();
    });
  }

  stats(): ServeLogStats {
    return {
      sampled: this.#sampled,
      written: this.#written,
      dropped: this.#dropped,
      queued: this.#queue.length,
    };
  }

  /** Runs `work` on the files while none of them is open, with all that was offered in them. */
  aside<T>(work: () => T): T {
    this.#writeQueue();
    this.#closeFile();
    return work();
  }

  /** Writes what waits and makes it durable, so that `verify` can read it now. */
  async flush(): Promise<void> {
    this.#writeQueue();
    await this.#file?.handle.sync();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    try {
      await this.flush();
    } finally {
      this.#closeFile();
    }
  }

  #writeQueue(): void {
    const answers = this.#queue.filter(({ key }) => !this.#isOmitted(key));
    this.#queue = [];
    let from = 0;
    while (from < answers.length) {
      const day = dayOf(answers[from] as ServedAnswer);
      let to = from + 1;
      while (to < answers.length && dayOf(answers[to] as ServedAnswer) === day) to += 1;
      this.#append(day, answers.slice(from, to));
      from = to;
    }
  }

  #append(day: string, answers: readonly ServedAnswer[]): void {
    try {
      const handle = this.#open(day);
      const bytes = encoder.encode(answers.map(encodeAnswer).join(''));
      if (handle.length + bytes.length > LIMITS.serveLogFileBytes) {
        this.#dropped += answers.length;
        return;
      }
      this.#makeRoom(day, handle.length + bytes.length);
      handle.append(bytes);
      this.#written += answers.length;
    } catch (cause) {
      // A failing disk must not fail requests: the sample shrinks, and the counter shows it.
      this.#dropped += answers.length;
      this.#options.logger.warn({ cause, day }, 'The serve log could not be written.');
      this.#closeFile();
    }
  }

  /** The oldest days give way to the newest answers. */
  #makeRoom(day: string, dayBytes: number): void {
    const { disk, bytesMax = LIMITS.serveLogBytes } = this.#options;
    if (this.#otherBytes + dayBytes <= bytesMax) return;
    for (const path of dayFiles(disk)) {
      if (path === pathOf(day)) continue;
      this.#otherBytes -= disk.size(path);
      disk.remove(path);
      if (this.#otherBytes + dayBytes <= bytesMax) return;
    }
  }

  #open(day: string): DiskFile {
    if (this.#file?.day === day) return this.#file.handle;
    this.#closeFile();
    const { disk } = this.#options;
    const path = pathOf(day);
    cutTornLine(disk, path);
    this.#otherBytes = dayFiles(disk)
      .filter((other) => other !== path)
      .reduce((sum, other) => sum + disk.size(other), 0);
    const handle = disk.openAppend(path);
    this.#file = { day, handle };
    return handle;
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = null;
    try {
      file?.handle.close();
    } catch (cause) {
      this.#options.logger.warn({ cause }, 'A file of the serve log could not be closed.');
    }
  }
}

function pathOf(day: string): string {
  return `${FOLDER}/${day}.ndjson`;
}

/** Paths of the day files, oldest first. */
export function dayFiles(disk: Disk): string[] {
  return disk
    .list(FOLDER)
    .filter((name) => FILE_PATTERN.test(name))
    .map((name) => `${FOLDER}/${name}`);
}

function dayOf(answer: ServedAnswer): string {
  return new Date(Math.floor(answer.asOfMs / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
}

/** A crash may leave half a line; cut it, so that the next answer does not stick to it. */
function cutTornLine(disk: Disk, path: string): void {
  if (!disk.exists(path)) return;
  const bytes = disk.read(path);
  const length = bytes.lastIndexOf(0x0a) + 1;
  if (length < bytes.length) disk.truncate(path, length);
}

function encodeAnswer(answer: ServedAnswer): string {
  const { service, version, asOfMs, commit, request, unknown } = answer;
  const fields = request === undefined ? '' : `,"request":${encodeValues(request)}`;
  return (
    `{"service":${JSON.stringify(service)},"version":${version},"key":${encodeValues(answer.key)}` +
    `${fields},"asOfMs":${asOfMs},"commit":${commit},"values":${encodeValues(answer.values)}` +
    `,"statuses":${JSON.stringify(answer.statuses)}` +
    `${unknown === undefined ? '' : `,"unknown":${JSON.stringify(unknown)}`}}\n`
  );
}

function encodeValues(values: Readonly<Record<string, FeatureValue>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    parts.push(`${JSON.stringify(name)}:${encodeValue(value)}`);
  }
  return `{${parts.join(',')}}`;
}

function encodeValue(value: FeatureValue): string {
  return typeof value === 'object' && value !== null
    ? `[${value.map(encodeItem).join(',')}]`
    : encodeScalar(value);
}

function encodeItem(item: Scalar | ValueCount): string {
  return typeof item === 'object' && item !== null
    ? `{"value":${encodeScalar(item.value)},"count":${item.count}}`
    : encodeScalar(item);
}

/** A whole double beyond 2^53 is written with an exponent: bare digits mean an exact integer. */
function encodeScalar(value: Scalar): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'number') return JSON.stringify(value);
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? value.toExponential()
    : String(value);
}
