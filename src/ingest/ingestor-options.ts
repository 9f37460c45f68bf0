import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/logger.ts';
import type { Turn } from '../base/pause.ts';
import type { Tokenizer } from '../base/tokenizer.ts';
import type { SourceSchema } from '../schema/types.ts';
import { Acceptance } from './acceptance.ts';
import type { BulkSessions } from './bulk-sessions.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DoorLimits } from './door-limits.ts';
import { type FenceBook, OPEN_FENCE } from './fence.ts';
import { IngestStats } from './ingest-stats.ts';
import type { EventLog } from './log.ts';
import type { Door } from './push.ts';
import type { ArrivalBound } from './time-problems.ts';

export interface IngestorOptions {
  readonly disk: Disk;
  /** Must know the same sources; nobody else appends to it. */
  readonly log: EventLog;
  readonly sources: readonly SourceSchema[];
  readonly clock: Clock;
  /** `none` where declared arrivals are the clock themselves, and by default. */
  readonly arrivalBound?: ArrivalBound;
  readonly letters?: DeadLetters;
  /** Needed where a source has tokenized columns. */
  readonly tokenizer?: Tokenizer | null;
  /** Keys that may not come in; none unless given. */
  readonly fences?: FenceBook;
  readonly logger?: Logger;
  readonly limits?: Partial<DoorLimits>;
  /** Outlive the door, where it is opened anew in one process. */
  readonly sessions?: BulkSessions;
  /** Taken between two slices of a large push; that of the event loop unless given. */
  readonly turn?: Turn;
}

/** What one source needs at the door. */
export function newDoor(
  schema: SourceSchema,
  limits: DoorLimits,
  { log, arrivalBound = 'none', tokenizer = null, fences = OPEN_FENCE }: IngestorOptions,
): Door {
  const at = (source: string, partition: number) => log.partition(source, partition);
  const clock = {
    nextOffset: (source: string, partition: number) => at(source, partition).nextOffset,
    newestArrivalMs: (source: string, partition: number) => at(source, partition).newestArrivalMs,
  };
  return {
    acceptance: new Acceptance(
      ...([schema, clock, limits, arrivalBound, limits.live] as const),
      ...([tokenizer, fences] as const),
    ),
    stats: new IngestStats(schema),
  };
}
