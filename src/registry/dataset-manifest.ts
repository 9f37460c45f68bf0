import { AsofError } from '../base/errors.ts';
import type { ColumnStatistics } from '../schema/column-statistics.ts';
import type { LifecycleState } from './lifecycle.ts';

/** All that it takes to build a training set again, byte for byte, and to know that it is the same. */
export interface DatasetManifest {
  readonly name: string;
  /** 1, 2, … of its name. */
  readonly number: number;
  readonly createdMs: number;
  readonly author: string;
  readonly service: { readonly name: string; readonly version: number };
  /** The state of that version, where it was served to nobody: training on it was asked for. */
  readonly notActive?: LifecycleState;
  /** Of the `dataset(…)` that it was built from, or null. */
  readonly definition: {
    readonly name: string;
    readonly version: number;
    readonly hash: string;
  } | null;
  /** The applied plan, which the registry keeps whole, and the hash of each part that counts. */
  readonly generation: number;
  readonly hashes: Readonly<Record<string, string>>;
  /** What of the history was read, and how much of it was archived by then. */
  readonly position: { readonly commit: number; readonly archivedCommit: number };
  readonly spine: DatasetSpine;
  readonly options: DatasetOptions;
  readonly code: { readonly asof: string; readonly duckdb: string };
  readonly rows: number;
  readonly columns: readonly ColumnStatistics[];
  readonly output: { readonly path: string; readonly bytes: number; readonly sha256: string };
  /** Of the values in their order; another writer of the same values gives the same. */
  readonly contentChecksum: string;
}

/** The spine as it was read, in a file of the dataset's own. */
export interface DatasetSpine {
  readonly kind: 'file' | 'query' | 'events';
  /** Where it came from: a path, or what the definition says. */
  readonly origin: string;
  /** Relative to the data directory. */
  readonly path: string;
  /** SHA-256 of that file. */
  readonly sha256: string;
  readonly columns: readonly DatasetColumn[];
  readonly timeColumn: string;
  readonly rows: number;
  readonly nullKeys: number;
  readonly nullTimes: number;
  readonly kept: 'cells' | 'lines' | null;
  /** The columns of the kept file, with the types that they are read as. */
  readonly table: readonly DatasetColumn[];
}

export interface DatasetColumn {
  readonly name: string;
  readonly type: string;
}

export interface DatasetOptions {
  readonly known: 'serving' | 'final';
  readonly servingDelayMs: number;
  readonly statuses: boolean;
  readonly prefix: string;
  readonly time: string | null;
  /** Features as they were just before each row's time. */
  readonly before: boolean;
  /** Extension of the output file. */
  readonly format: string;
}

/** @throws AsofError `unreadable_file` where a stored manifest is not one */
export function parseManifest(text: string): DatasetManifest {
  const parsed: unknown = JSON.parse(text);
  if (isManifest(parsed)) return parsed;
  throw new AsofError('unreadable_file', 'A dataset in the registry has no readable manifest.');
}

function isManifest(value: unknown): value is DatasetManifest {
  if (typeof value !== 'object' || value === null) return false;
  const { name, number, generation, position, spine, options, output, columns } =
    value as Partial<DatasetManifest>;
  return (
    typeof name === 'string' &&
    Number.isSafeInteger(number) &&
    Number.isSafeInteger(generation) &&
    Number.isSafeInteger(position?.commit) &&
    typeof spine?.path === 'string' &&
    Array.isArray(spine.table) &&
    typeof options?.format === 'string' &&
    typeof output?.sha256 === 'string' &&
    Array.isArray(columns)
  );
}
