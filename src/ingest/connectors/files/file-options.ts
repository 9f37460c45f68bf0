import type { Clock } from '../../../base/clock.ts';
import type { Pause } from '../../../base/pause.ts';
import type { SourceSchema } from '../../../schema/types.ts';
import type { ColumnMapping } from './file-columns.ts';
import type { FileFormat } from './file-rows.ts';
import type { WatchedFolder } from './watched-folder.ts';

/** What a connector of files is told. */
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
