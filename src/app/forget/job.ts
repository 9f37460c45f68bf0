import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import type { KeyPlace } from '../../ingest/forget/key-rule.ts';
import type { Subject } from './subjects.ts';

export const FORGET_FOLDER = 'forget';
/** Within it: what is left of jobs that are done. */
export const RECORDS_FOLDER = 'records';

/** What is to be done: kept, with the keys, until it is done, and not a moment longer. */
export interface ForgetJob {
  /** `f-` and what tells when it began; names files, records and marks. */
  readonly id: string;
  readonly startedMs: number;
  readonly author: string;
  readonly requestId: string | null;
  readonly reason: string | null;
  readonly subjects: readonly Subject[];
  /** Columns beside those that views map. */
  readonly declared: readonly KeyPlace[];
  /** Whether the keys may never come back; else only their past may not. */
  readonly block: boolean;
  /** What becomes of rows that hold a key of somebody else too. */
  readonly shared: 'keep' | 'remove';
  /** How long replaced files stay for readers that have them open. */
  readonly graceMs: number;
  /** Hex; with it the record can be checked by whoever knows the key, and by nobody else. */
  readonly salt: string;
}

/** Steps that are behind, with what each found; a step is done again unless it is here. */
export type JobProgress = Readonly<Record<string, unknown>>;

/** A job in the data directory, with how far it is. */
export class JobFile {
  readonly job: ForgetJob;
  readonly #dataDir: string;
  readonly #disk: NodeDisk;
  #done: JobProgress;

  private constructor(dataDir: string, job: ForgetJob, done: JobProgress) {
    this.#dataDir = dataDir;
    this.#disk = new NodeDisk(dataDir);
    this.job = job;
    this.#done = done;
  }

  /** Durable before anything is touched. */
  static begin(dataDir: string, job: ForgetJob): JobFile {
    new NodeDisk(dataDir).makeFolder(`${FORGET_FOLDER}/${job.id}`);
    const file = new JobFile(dataDir, job, {});
    file.#write();
    return file;
  }

  /** Jobs that were begun and not ended, the oldest first. @throws AsofError `unreadable_file` */
  static pending(dataDir: string): JobFile[] {
    const folder = join(dataDir, FORGET_FOLDER);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== RECORDS_FOLDER)
      .map((entry) => entry.name)
      .sort()
      .flatMap((id) => {
        const path = join(folder, id, 'job.json');
        // Without it nothing was touched: a crash came before it was written.
        if (existsSync(path)) return [JobFile.#read(dataDir, path)];
        rmSync(join(folder, id), { recursive: true });
        return [];
      });
  }

  static #read(dataDir: string, path: string): JobFile {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isStored(parsed)) return new JobFile(dataDir, parsed.job, parsed.done);
    throw new AsofError('unreadable_file', `${path} is no job of forgetting.`, { path });
  }

  /** What a step found that is behind; undefined: it is to be done. */
  found(step: string): unknown {
    return this.#done[step];
  }

  /** The step is behind, durably. */
  note(step: string, found: unknown): void {
    this.#done = { ...this.#done, [step]: found };
    this.#write();
  }

  /** The keys are gone with it. */
  end(): void {
    const folder = `${FORGET_FOLDER}/${this.job.id}`;
    for (const name of this.#disk.list(folder)) this.#disk.remove(`${folder}/${name}`);
    rmSync(join(this.#dataDir, folder), { recursive: true, force: true });
    this.#disk.syncFolder(FORGET_FOLDER);
  }

  #write(): void {
    const text = JSON.stringify({ format: 1, job: this.job, done: this.#done });
    this.#disk.replace(`${FORGET_FOLDER}/${this.job.id}/job.json`, new TextEncoder().encode(text));
  }
}

function isStored(value: unknown): value is { job: ForgetJob; done: JobProgress } {
  if (typeof value !== 'object' || value === null || !('job' in value) || !('done' in value)) {
    return false;
  }
  const { job, done } = value;
  return (
    typeof job === 'object' &&
    job !== null &&
    'id' in job &&
    'subjects' in job &&
    Array.isArray(job.subjects) &&
    typeof done === 'object' &&
    done !== null
  );
}

/** `f-20260131t235959-1a2b3c`: in order of time, and of no two runs. */
export function newJobId(nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase();
  return `f-${time}-${randomBytes(3).toString('hex')}`;
}

export function newSalt(): string {
  return randomBytes(32).toString('hex');
}
