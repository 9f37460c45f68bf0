import type { SourceSchema } from '../../../schema/types.ts';
import type { SourcedRow } from '../../sourced-rows.ts';
import type { ColumnMapping } from './file-columns.ts';
import type { FolderFile, WatchedFolder } from './watched-folder.ts';

export type FileFormat = 'ndjson' | 'csv' | 'parquet';

export interface FileTask {
  readonly folder: WatchedFolder;
  /** As it was when its reading began: nothing behind its size is looked at. */
  readonly file: FolderFile;
  readonly schema: SourceSchema;
  readonly columns: ColumnMapping;
  readonly delimiter: string;
  /** Where to begin, as a chunk said before. */
  readonly at: number;
  readonly line: number;
  /** Whether a last line without its end is taken as it is. */
  readonly whole: boolean;
}

/** Some rows of a file, and where the next ones begin. */
export interface FileChunk {
  readonly rows: readonly SourcedRow[];
  readonly at: number;
  readonly line: number;
  readonly unended: boolean;
}

/** The rows of one file from a place on; one call at a time. */
export interface FileRows {
  /** At most so many; null at the end. @throws FileRefused, AsofError `source_unreachable` */
  next(most: number): Promise<FileChunk | null>;
  close(): void;
}

/** A file that cannot be read as what it should be: it is left out, the others go on. */
export class FileRefused extends Error {
  override name = 'FileRefused';
}
