import type { Clock } from '../../../base/clock.ts';
import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { Pause } from '../../../base/pause.ts';
import type { SourceSchema } from '../../../schema/types.ts';
import type { SourceConnector } from '../source-connector.ts';
import type { ColumnMapping } from './file-columns.ts';
import { readPosition } from './file-position.ts';
import type { FileFormat } from './file-rows.ts';
import { FolderReader } from './folder-reader.ts';
import type { WatchedFolder } from './watched-folder.ts';

export interface FileConnectorOptions {
  readonly folder: WatchedFolder;
  readonly schema: SourceSchema;
  readonly format: FileFormat;
  /** Only names that end so; those that begin with `.` or `_` or end in `.tmp` or `.part` never. */
  readonly suffix: string;
  readonly columns: ColumnMapping;
  readonly delimiter: string;
  /** False: ends once what is there has been taken, and takes files as they are. */
  readonly follow: boolean;
  /** A file is whole once its size and time of change have stood still for so long. */
  readonly settleMs: number;
  /** Between two looks at a folder in which nothing is new. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly pause: Pause;
}

/**
 * Rows of the files of one folder, file after file in the order of their names. A lane is a file;
 * its token says how far it has been read and holds checksums of what was read, so that a file that
 * shrank or was replaced is noticed and left out rather than guessed at.
 */
export class FileConnector implements SourceConnector {
  readonly kind = 'files';
  readonly #options: FileConnectorOptions;

  constructor(options: FileConnectorOptions) {
    this.#options = options;
  }

  async open(taken: ReadonlyMap<string, string>, signal: AbortSignal): Promise<FolderReader> {
    const positions = new Map([...taken].map(([name, token]) => [name, readPosition(token)]));
    if (positions.size > 2 * LIMITS.folderFiles) {
      throw new AsofError('source_changed', `${positions.size} files are remembered.`);
    }
    return new FolderReader(this.#options, positions, signal);
  }
}
