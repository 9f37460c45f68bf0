import { AsofError } from '../../../base/errors.ts';
import { LIMITS } from '../../../base/limits.ts';
import type { SourceConnector } from '../source-connector.ts';
import type { FileConnectorOptions } from './file-options.ts';
import { readPosition } from './file-position.ts';
import { FolderReader } from './folder-reader.ts';

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
