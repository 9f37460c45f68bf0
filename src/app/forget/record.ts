import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AsofError } from '../../base/errors.ts';
import { NodeDisk } from '../../base/node-disk.ts';
import { canonicalJson } from '../../plan/canonical.ts';
import type { ErasedDataset } from './erase-datasets.ts';
import { FORGET_FOLDER, RECORDS_FOLDER } from './job.ts';
import type { ScanReport } from './scan.ts';

/** What was removed from one kind of store. */
export interface StoreErasure {
  readonly store: string;
  /** Rows, lines, ids or files, whichever the store has. */
  readonly removed: number;
  /** Rows that stay without the person. */
  readonly kept: number;
  readonly bytesRewritten: number;
}

/** The proof that somebody was removed: all of it may be shown to anybody. */
export interface ForgetRecord {
  readonly format: 1;
  readonly id: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly author: string;
  readonly requestId: string | null;
  readonly reason: string | null;
  /** Whoever knows a key can make its hash with the salt and the request's id, and compare. */
  readonly salt: string;
  readonly subjects: readonly { readonly entity: string; readonly keyHash: string }[];
  readonly places: readonly {
    readonly source: string;
    readonly entity: string;
    readonly columns: readonly string[];
  }[];
  readonly block: boolean;
  readonly shared: 'keep' | 'remove';
  /** Everything through this commit was looked through. */
  readonly throughCommit: number;
  readonly firstCommit: number | null;
  readonly stores: readonly StoreErasure[];
  readonly datasets: readonly ErasedDataset[];
  /** `name@version` of models that read what those datasets were made for. */
  readonly models: readonly string[];
  /** Services of which older answers can be proven no more. */
  readonly unprovable: readonly string[];
  /** Copies that asof cannot reach. */
  readonly notReached: readonly string[];
  readonly scan: ScanReport;
  /** SHA-256 of all the rest, as canonical JSON. */
  readonly digest: string;
}

export function sealedRecord(record: Omit<ForgetRecord, 'digest'>): ForgetRecord {
  return { ...record, digest: digestOf(record) };
}

function digestOf(record: Omit<ForgetRecord, 'digest'>): string {
  return createHash('sha256').update(canonicalJson(record)).digest('hex');
}

/** Whether a record is as it was written. */
export function isIntact({ digest, ...record }: ForgetRecord): boolean {
  return digestOf(record) === digest;
}

export function writeRecord(dataDir: string, record: ForgetRecord): void {
  const disk = new NodeDisk(dataDir);
  const folder = `${FORGET_FOLDER}/${RECORDS_FOLDER}`;
  disk.makeFolder(folder);
  disk.replace(`${folder}/${record.id}.json`, new TextEncoder().encode(canonicalJson(record)));
}

/** The oldest first. */
export function readRecords(dataDir: string): ForgetRecord[] {
  const folder = join(dataDir, FORGET_FOLDER, RECORDS_FOLDER);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => parseRecord(readFileSync(join(folder, name), 'utf8'), name));
}

/** @throws AsofError `unknown_name` */
export function recordOf(dataDir: string, id: string): ForgetRecord {
  const found = readRecords(dataDir).find((record) => record.id === id);
  if (found !== undefined) return found;
  throw unknownRecord(id);
}

export function unknownRecord(id: string): AsofError {
  return new AsofError('unknown_name', `There is no record '${id}'.`, {
    remedy: 'See `asof forget --list`.',
  });
}

function parseRecord(text: string, name: string): ForgetRecord {
  const parsed: unknown = JSON.parse(text);
  if (isRecord(parsed)) return parsed;
  throw new AsofError('unreadable_file', `${name} is no record of forgetting.`, { path: name });
}

function isRecord(value: unknown): value is ForgetRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    'digest' in value &&
    'subjects' in value &&
    Array.isArray(value.subjects)
  );
}
