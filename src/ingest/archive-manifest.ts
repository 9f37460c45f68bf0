import { AsofError } from '../base/errors.ts';
import { sameType, typeText, type ValueType } from '../schema/types.ts';
import { isWidening } from '../schema/widening.ts';
import type { ArchivedColumn } from './archive-relation.ts';

export const MANIFEST_PATH = 'archive/manifest.json';
const FORMAT = 1;

/** A row's place in the log; a commit is of one partition, so this orders all rows. */
export interface RowPosition {
  readonly commit: number;
  readonly offset: number;
}

/** One Parquet file: all rows of one source, arrival date and commit range. */
export interface ArchiveFile {
  /** Relative to the data directory. */
  readonly path: string;
  /** UTC, YYYY-MM-DD. */
  readonly arrivalDate: string;
  readonly first: RowPosition;
  readonly last: RowPosition;
  readonly rows: number;
  readonly bytes: number;
  readonly minEventTimeMs: number;
  readonly maxEventTimeMs: number;
  readonly minArrivalTimeMs: number;
  readonly maxArrivalTimeMs: number;
  /** Fingerprint of the schema whose columns it has. */
  readonly schema: string;
  /** Whether it has the columns of retractions; absent where it has none. */
  readonly weighted?: boolean;
  /** Whether rows were taken out of it on purpose: its offsets have gaps. Absent where none were. */
  readonly thinned?: boolean;
}

/** A file that another has replaced, kept a while for readers that still have it open. */
export interface RetiredFile {
  readonly path: string;
  readonly retiredAtMs: number;
}

/** What a reader sees of the archive: all of an archiving or none of it. */
export interface ArchiveManifest {
  readonly format: typeof FORMAT;
  /** Every event of every source up to this commit is in the files. */
  readonly archivedCommit: number;
  /** Grows with every change. */
  readonly revision: number;
  readonly schemas: Readonly<Record<string, readonly ArchivedColumn[]>>;
  /** By source, in the order of their first rows. */
  readonly sources: Readonly<Record<string, readonly ArchiveFile[]>>;
  readonly retired: readonly RetiredFile[];
}

export const EMPTY_MANIFEST: ArchiveManifest = {
  format: FORMAT,
  archivedCommit: 0,
  revision: 0,
  schemas: {},
  sources: {},
  retired: [],
};

/**
 * The manifest of an archive that was written before there was a catalog.
 * @throws AsofError `corrupt_archive`, `newer_format`
 */
export function parseManifest(text: string): ArchiveManifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw corrupt('is not JSON', cause);
  }
  if (typeof parsed !== 'object' || parsed === null) throw corrupt('is not an object');
  const format = 'format' in parsed ? parsed.format : undefined;
  if (typeof format === 'number' && format > FORMAT) {
    throw new AsofError('newer_format', `${MANIFEST_PATH} has format ${format}.`);
  }
  if (!isManifest(parsed)) throw corrupt(`does not have the form of format ${FORMAT}`);
  for (const [source, files] of Object.entries(parsed.sources)) {
    for (const file of files) {
      if (parsed.schemas[file.schema] === undefined) {
        throw corrupt(`lacks the schema ${file.schema} of ${source}'s ${file.path}`);
      }
    }
  }
  return { ...parsed, revision: 0 };
}

function corrupt(what: string, cause?: unknown): AsofError {
  return new AsofError('corrupt_archive', `${MANIFEST_PATH} ${what}.`, { cause });
}

function isManifest(value: object): value is ArchiveManifest {
  const { format, archivedCommit, schemas, sources, retired } = value as Partial<ArchiveManifest>;
  return (
    format === FORMAT &&
    Number.isSafeInteger(archivedCommit) &&
    isRecordOfLists(
      schemas,
      (column: Partial<ArchivedColumn>) => typeof column.name === 'string',
    ) &&
    isRecordOfLists(sources, isFile) &&
    Array.isArray(retired)
  );
}

function isRecordOfLists<T>(record: unknown, isItem: (item: Partial<T>) => boolean): boolean {
  if (typeof record !== 'object' || record === null) return false;
  return Object.values(record).every(
    (list) => Array.isArray(list) && list.every((item) => item !== null && isItem(item)),
  );
}

function isFile(file: Partial<ArchiveFile>): boolean {
  const { path, arrivalDate, first, last, rows, bytes } = file;
  return (
    typeof path === 'string' &&
    typeof arrivalDate === 'string' &&
    typeof file.schema === 'string' &&
    Number.isSafeInteger(first?.commit) &&
    Number.isSafeInteger(first?.offset) &&
    Number.isSafeInteger(last?.commit) &&
    Number.isSafeInteger(last?.offset) &&
    [rows, bytes, file.minEventTimeMs, file.maxEventTimeMs].every(Number.isSafeInteger) &&
    [file.minArrivalTimeMs, file.maxArrivalTimeMs].every(Number.isSafeInteger)
  );
}

export function comparePositions(a: RowPosition, b: RowPosition): number {
  return a.commit - b.commit || a.offset - b.offset;
}

/**
 * The columns of a file of `source`, with their types: each that of the source's schema, or one
 * that is widened to it or was.
 */
export function checkedColumns(
  source: string,
  archived: readonly ArchivedColumn[],
  columns: readonly ArchivedColumn[],
): ReadonlyMap<string, ValueType> {
  const byName = new Map(archived.map((column) => [column.name, column.type]));
  for (const { name, type } of columns) {
    const before = byName.get(name);
    if (before === undefined || sameType(before, type)) continue;
    if (isWidening(before, type) || isWidening(type, before)) continue;
    throw new AsofError(
      'type_mismatch',
      `Column '${name}' of '${source}' is ${typeText(type)}, but it was archived as ` +
        `${typeText(before)}.`,
      { path: `sources.${source}.columns.${name}`, remedy: 'Give the new type a new name.' },
    );
  }
  return byName;
}
