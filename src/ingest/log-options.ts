import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import type { SourceSchema } from '../schema/types.ts';

export interface LogLimits {
  readonly segmentBytes: number;
  readonly pendingBytes: number;
}

export interface EventLogOptions {
  readonly disk: Disk;
  /** The sources whose events may be appended, in the schemas that readers want. */
  readonly schemas?: readonly SourceSchema[];
  readonly logger?: Logger;
  readonly limits?: Partial<LogLimits>;
  /** How much of the log is checked when it is opened; what is read is always checked. */
  readonly verify?: 'all' | 'tail';
}
